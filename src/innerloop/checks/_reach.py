"""Which parameters a gradient reaches, and whether backward uses the ones that forward was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from innerloop.checks._advice import of_backward
from innerloop.checks._meta import nearby
from innerloop.checks._report import Finding
from innerloop.checks._subject import Parameters, Subject, apart, calls, listed, outputs, place


def reach(subject: Subject) -> Iterator[Finding]:
    """Whether backward runs, and which parameters it reaches. Those that it does not are frozen in the copy."""
    fresh = {name: p.detach().clone().requires_grad_() for name, p in subject.parameters.items()}
    try:
        with torch.enable_grad(), calls(subject.network) as trace:
            out = outputs(subject.run(fresh, subject.take(slice(None))))
            loss = torch.stack([leaf.square().sum() for leaf in out]).sum()
            found: tuple[Tensor | None, ...] = torch.autograd.grad(loss, list(fresh.values()), allow_unused=True)
    except Exception as error:  # it is the user's forward that runs here
        means, change = of_backward(error)
        yield Finding("gradient", "problem", f"No gradient can be taken{place(trace.inside)}: {means}.", "", change)
        return
    captured, unregistered = _strangers(subject, loss, fresh)
    if captured:
        yield Finding(
            "captured",
            "problem",
            f"forward reaches {listed(captured)} past the module: by a list, a closure or a copy of the reference.",
            "An inner step swaps parameters in the module; the ones used here would stay as they were.",
            "Read it where it is registered, in forward: self.layer.weight, or the layer itself.",
        )
    if unregistered:
        yield Finding(
            "unregistered",
            "problem",
            f"{unregistered} tensors with requires_grad are used that are no parameters of the module.",
            "They are not in module.parameters(): never adapted, trained, saved or moved.",
            "Keep layers in nn.ModuleList or nn.ModuleDict and tensors in nn.Parameter, not in plain lists.",
        )
    missing = [n for n, gradient in zip(fresh, found, strict=True) if gradient is None and n not in captured]
    called = set(trace.entered)
    idle = [name for name in missing if (owner := name.rpartition(".")[0]) and owner not in called]
    cut = [name for name in missing if name not in idle]
    change = "Use it in forward, or freeze it: parameter.requires_grad_(False) is understood without any flag."
    if idle:
        why = "The outer loss does not depend on it: training raises, and weight decay would move it."
        yield Finding("unused", "problem", f"No gradient reaches {listed(idle)}: the layer is not called.", why, change)
    if cut:
        why = "It would neither adapt nor be learned, and training raises."
        seen = f"No gradient reaches {listed(cut)}: unused, or cut off by detach, no_grad, .data or numpy."
        yield Finding("unused", "problem", seen, why, f"Take the cut out of forward. {change}")
    bad = [n for n, g in zip(fresh, found, strict=True) if g is not None and not bool(torch.isfinite(g).all())]
    if bad:
        yield Finding(
            "not finite",
            "problem",
            f"The gradient of {listed(bad)} is NaN or infinite.",
            "One such value spoils all parameters at the next step.",
            "Guard roots, norms and divisions at zero: torch.sqrt(x + 1e-6), x / (norm + 1e-6).",
        )
    elif not missing:
        yield Finding("gradient", "ok", f"It reaches all {len(fresh)} trainable parameters.")
    for name in missing:
        subject.network.get_parameter(name).requires_grad_(False)


def late_weights(subject: Subject) -> Iterator[Finding]:
    """Whether backward uses the parameters that forward was given, also when they have been swapped back since."""
    draw = torch.Generator().manual_seed(0)
    moved = {name: nearby(p, draw).to(p.dtype).requires_grad_() for name, p in subject.parameters.items()}
    own = subject.twin()
    for name, parameter in own.parameters.items():
        parameter.data.copy_(moved[name].detach())
    given = _gradient(subject, moved)
    set_in_place = _gradient(own, dict(own.parameters))
    if subject.repeatable and apart(given, set_in_place) > 1e-3:
        yield Finding(
            "recomputation",
            "problem",
            "backward runs parts of forward again, with the module's own weights instead of the adapted ones.",
            "Adapted weights are in the module only while forward runs; activation checkpointing recomputes later, so "
            "that gradients are wrong, silently.",
            "Take torch.utils.checkpoint out of forward: memory is bounded by Mapping(chunk=...) and by tasks taken "
            "one by one. Or hand it the weights: checkpoint(F.linear, x, self.layer.weight, self.layer.bias).",
        )


def _gradient(subject: Subject, parameters: Parameters) -> list[Tensor]:
    torch.manual_seed(0)
    out = outputs(subject.run(parameters, subject.take(slice(None))))
    loss = torch.stack([leaf.square().sum() for leaf in out]).sum()
    return list(torch.autograd.grad(loss, list(parameters.values())))


def _strangers(subject: Subject, loss: Tensor, fresh: Parameters) -> tuple[list[str], int]:
    """Leaves of the graph that are not the parameters that were given: names of the module's own, number of others."""
    given = {id(tensor) for tensor in fresh.values()}
    names = {id(p): name for name, p in subject.network.named_parameters()}
    strange = [leaf for leaf in _leaves(loss) if id(leaf) not in given]
    own = [names[id(leaf)] for leaf in strange if id(leaf) in names]
    return own, len(strange) - len(own)


def _leaves(loss: Tensor) -> Iterator[Tensor]:
    seen: set[Any] = set()
    left: list[Any] = [loss.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        left += [parent for parent, _ in node.next_functions]
