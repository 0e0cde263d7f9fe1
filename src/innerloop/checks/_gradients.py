"""Gradients of a module: which parameters they reach, and whether second derivatives are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch
from torch import Tensor

from innerloop.checks._advice import FIRST_ORDER, first_line, of_backward
from innerloop.checks._meta import MetaLoss, norm_of
from innerloop.checks._precision import Coarser, double_precision
from innerloop.checks._report import Finding
from innerloop.checks._subject import Parameters, Subject, alike, calls, listed, outputs

_POINTS, _ENOUGH = 8, 3
"""Points in parameter space that are tried, and how many must be smooth for a verdict."""

_STEPS = (1e-8, 2e-9)
"""Relative steps of the finite differences: small, since every ReLU that changes sign on the way spoils one."""

_SMOOTH, _WRONG = 1e-5, 1e-4
"""Relative difference between two finite differences above which a point is no use, and median error above which a
derivative is wrong. In float64 right ones are far below both."""


def reach(subject: Subject) -> Iterator[Finding]:
    """Whether backward runs, and which parameters it reaches. Those that it does not are frozen in the copy."""
    fresh = {name: p.detach().clone().requires_grad_() for name, p in subject.parameters.items()}
    try:
        with torch.enable_grad(), calls(subject.network) as trace:
            out = outputs(subject.run(fresh, subject.take(slice(None))))
            loss = torch.stack([leaf.square().sum() for leaf in out]).sum()
            found = torch.autograd.grad(loss, list(fresh.values()), allow_unused=True)
    except Exception as error:  # it is the user's forward that runs here
        means, change = of_backward(error)
        yield Finding("gradient", "problem", f"No gradient can be taken{_at(trace.inside)}: {means}.", "", change)
        return
    yield from _strangers(subject, loss, fresh)
    missing = [name for name, gradient in zip(fresh, found, strict=True) if gradient is None]
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
    moved = {name: _near(p, draw).to(p.dtype).requires_grad_() for name, p in subject.parameters.items()}
    own = subject.twin()
    for name, parameter in own.parameters.items():
        parameter.data.copy_(moved[name].detach())
    given = _gradient(subject, moved)
    set_in_place = _gradient(own, dict(own.parameters))
    if subject.repeatable and not alike(given, set_in_place, 1e-3):
        yield Finding(
            "recomputation",
            "problem",
            "backward runs parts of forward again, with the module's own weights instead of the adapted ones.",
            "Adapted weights are in the module only while forward runs; activation checkpointing recomputes later, so "
            "that gradients are wrong, silently.",
            "Take torch.utils.checkpoint out of forward: memory is bounded by Mapping(chunk=...) and by tasks taken "
            "one by one. Or hand it the weights: checkpoint(F.linear, x, self.layer.weight, self.layer.bias).",
        )


def second_derivatives(subject: Subject) -> Iterator[Finding]:
    """The meta-gradient of one inner step against finite differences along random directions, in float64."""
    meta = MetaLoss(subject)
    parameters: Parameters = dict(subject.parameters)
    try:
        with calls(subject.network) as trace:
            found = meta.gradient(parameters)
    except Exception as error:  # it is the user's forward that runs here
        means, change = of_backward(error)
        yield Finding(
            "double backward",
            "problem",
            f"The gradient cannot be differentiated again{_at(trace.inside)}: {means}.",
            "MAML and all others that learn through the inner loop need second derivatives.",
            f"{change} Or take {FIRST_ORDER}.",
        )
        return
    if not all(bool(torch.isfinite(g).all()) for g in found.values()):
        yield Finding(
            "not finite",
            "problem",
            "The meta-gradient is NaN or infinite, though the gradient is finite.",
            "Second derivatives of roots and norms have no bound near zero.",
            f"Guard them: torch.sqrt(x + 1e-6), F.normalize(x, eps=1e-3); or take {FIRST_ORDER}.",
        )
        return
    if not subject.repeatable:
        return
    with double_precision():
        exact = subject.exact()
        try:
            meta = MetaLoss(exact)
            with Coarser() as coarser:
                meta.inner_value(dict(exact.parameters))
        except Exception as error:  # it is the user's forward that runs here
            yield _in_single_precision(f"forward does not run in float64: {first_line(error)}")
            return
        if coarser.seen:
            kinds = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in coarser.seen))
            yield _in_single_precision(f"Parts of forward stay in {kinds} when all else is float64")
            return
        yield from _compared(exact, meta)


def _in_single_precision(seen: str) -> Finding:
    return Finding(
        "double precision",
        "warning",
        f"{seen}; its second derivatives run, but could not be checked.",
        "It makes tensors of a fixed type, casts to one, or holds constants outside of buffers.",
        "Take the type from the input: torch.zeros(n, dtype=x.dtype), .to(x.dtype) and not .float(). Hold constants in "
        "register_buffer.",
    )


def _compared(exact: Subject, meta: MetaLoss) -> Iterator[Finding]:
    second = _errors(exact, meta.value, meta.gradient)
    if len(second) < _ENOUGH:
        yield Finding(
            "second derivative",
            "ok",
            "It runs; whether it is right could not be judged: near every point there is a kink.",
        )
    elif median(second) <= _WRONG:
        yield Finding(
            "second derivative",
            "ok",
            f"It agrees with finite differences at {len(second)} random points (error {median(second):.0e}); at a kink "
            "(ReLU at zero, a tie in max-pooling) there is nothing to compare.",
        )
    elif (first := _errors(exact, meta.inner_value, meta.inner_gradient)) and median(first) > _WRONG:
        yield Finding(
            "first derivative",
            "warning",
            f"The gradient differs from finite differences by {100 * median(first):.2g} %.",
            "Something passes on another gradient than its own: detach() or no_grad() on a part, a straight-through "
            "estimator, or a torch.autograd.Function with a wrong backward. Meta-learning differentiates that.",
            "Leave it if it is meant; otherwise take detach() out, or correct the backward.",
        )
    else:
        yield Finding(
            "second derivative",
            "problem",
            f"The meta-gradient differs from finite differences by {100 * median(second):.2g} %; the gradient agrees.",
            "Somewhere backward computes with values that carry no graph: its own derivative is lost, silently.",
            "In a torch.autograd.Function use ctx.save_for_backward and torch functions in backward, without detach(), "
            f"no_grad() and @once_differentiable. Or take {FIRST_ORDER}.",
        )


def _errors(
    exact: Subject, value: Callable[[Parameters], float], gradient: Callable[[Parameters], Parameters]
) -> list[float]:
    """Relative errors of a gradient at random points; those where the function has a kink nearby are left out."""
    draw, found = torch.Generator().manual_seed(0), []
    for _ in range(_POINTS):
        point = {name: _near(parameter, draw) for name, parameter in exact.parameters.items()}
        found += _error(value, gradient, point, draw)
        if len(found) == _ENOUGH:
            break
    return found


def _error(
    value: Callable[[Parameters], float],
    gradient: Callable[[Parameters], Parameters],
    point: Parameters,
    draw: torch.Generator,
) -> list[float]:
    """The relative error along one direction; nothing where the function has a kink nearby."""
    found = gradient(point)
    size = norm_of(point)
    noise = {name: torch.randn(p.shape, generator=draw, dtype=torch.float64).to(p.device) for name, p in point.items()}
    steepness, spread = norm_of(found), norm_of(noise)
    # half along the gradient, so that the slope is not lost in rounding; half at random, so that all is seen
    direction = {name: found[name] / (steepness or 1.0) + noise[name] / spread for name in point}
    expected = float(sum((found[name] * direction[name]).sum() for name in point))
    slopes = []
    for step in _STEPS:
        by = step * size
        up, down = ({n: p + sign * by * direction[n] for n, p in point.items()} for sign in (1, -1))
        slopes.append((value(up) - value(down)) / (2 * by))
    # where the function is flat there are only rounding errors to compare
    scale = max(abs(slopes[1]), abs(expected), 1e-6 * abs(value(point)) / size)
    if not abs(slopes[0] - slopes[1]) <= _SMOOTH * scale:
        return []
    return [abs(slopes[1] - expected) / scale]


def _near(parameter: Tensor, draw: torch.Generator) -> Tensor:
    # off the structural kinks, such as ReLUs behind weights that begin at zero
    scale = max(float(parameter.detach().square().mean().sqrt()), 0.02) if parameter.numel() else 0.0
    noise = torch.randn(parameter.shape, generator=draw, dtype=torch.float64).to(parameter.device)
    return parameter.detach() + 0.1 * scale * noise


def _gradient(subject: Subject, parameters: Parameters) -> list[Tensor]:
    torch.manual_seed(0)
    out = outputs(subject.run(parameters, subject.take(slice(None))))
    loss = torch.stack([leaf.square().sum() for leaf in out]).sum()
    return list(torch.autograd.grad(loss, list(parameters.values())))


def _strangers(subject: Subject, loss: Tensor, fresh: Parameters) -> Iterator[Finding]:
    """Leaves of the graph that are not the parameters that were given."""
    given = {id(tensor) for tensor in fresh.values()}
    names = {id(p): name for name, p in subject.network.named_parameters()}
    strange = [leaf for leaf in _leaves(loss) if id(leaf) not in given]
    own = [names[id(leaf)] for leaf in strange if id(leaf) in names]
    if own:
        yield Finding(
            "captured",
            "problem",
            f"forward reaches {listed(own)} past the module: by a list, a closure or a copy of the reference.",
            "An inner step swaps parameters in the module; the ones used here would stay as they were.",
            "Read it where it is registered, in forward: self.layer.weight, or the layer itself.",
        )
    if len(own) < len(strange):
        yield Finding(
            "unregistered",
            "problem",
            f"{len(strange) - len(own)} tensors with requires_grad are no parameters of the module.",
            "They are not in module.parameters(): never adapted, trained, saved or moved.",
            "Keep layers in nn.ModuleList or nn.ModuleDict and tensors in nn.Parameter, not in plain lists.",
        )


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


def _at(inside: list[str]) -> str:
    return f" (in {inside[-1]!r})" if inside else ""
