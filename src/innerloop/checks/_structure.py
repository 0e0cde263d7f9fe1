"""What a module is made of: lazy layers, batch norms, frozen and tied parameters, a head."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from innerloop.checks._report import Finding
from innerloop.checks._subject import Subject, listed
from innerloop.networks import convert_norms
from innerloop.networks._norm import norms_of


def lazy_layers(subject: Subject) -> Iterator[Finding]:
    """Parameters that get their shape from the first batch: a learner needs them before."""
    if subject.lazy:
        yield Finding(
            "lazy",
            "problem",
            f"{listed(subject.lazy)} had no shape before the first forward pass.",
            "A learner and an optimiser take hold of the parameters before any data are there.",
            "Run one batch through the module before it goes into a learner, or write the sizes out.",
        )


def batch_norms(subject: Subject) -> Iterator[Finding]:
    """Layers that normalise with batch statistics: ours follow a policy, others are replaced in the copy."""
    foreign = {name: module for name, module in subject.network.named_modules() if isinstance(module, _BatchNorm)}
    change = "Call innerloop.networks.convert_norms(module): same weights, and statistics under a named policy."
    tracking = [name for name, module in foreign.items() if module.track_running_stats]
    if tracking:
        yield Finding(
            "batch norm",
            "problem",
            f"{listed(tracking)} {_keeps(tracking)} running statistics.",
            "They are written in forward: one task leaks into the next, vmap refuses them, and the meta-gradient does "
            "not see them.",
            change,
        )
    elif foreign:
        yield Finding(
            "batch norm",
            "warning",
            f"{listed(list(foreign))} normalises with the statistics of the batch at hand, always.",
            "A prediction then depends on the other queries (transductive), and padded rows count. Learners take such "
            "layers with norm='batch' only, and learner.adapted() refuses them.",
            change,
        )
    if foreign:
        subject.network = convert_norms(subject.network)
    elif own := list(norms_of(subject.network)):
        yield Finding(
            "batch norm",
            "ok",
            f"{listed(own)} {'follows' if len(own) == 1 else 'follow'} the learner's norm policy; with norm='batch' "
            "results are transductive.",
        )


def frozen_parameters(subject: Subject) -> Iterator[Finding]:
    """Parameters with `requires_grad=False`; a module without any other has nothing to learn."""
    frozen = [name for name, p in subject.network.named_parameters() if not p.requires_grad]
    if not subject.parameters:
        yield Finding(
            "parameters",
            "problem",
            f"It has {'only frozen' if frozen else 'no'} parameters.",
            "Neither the inner nor the outer loop has anything to move.",
            "Add layers with parameters, or call requires_grad_(True) on those that should learn.",
        )
    elif frozen:
        yield Finding("frozen", "ok", f"{listed(frozen)} {_is(frozen)} frozen: neither adapted nor meta-learned.")


def tied_parameters(subject: Subject) -> Iterator[Finding]:
    """One parameter under several names adapts as one."""
    first: dict[int, str] = {}
    tied = []
    for name, parameter in subject.network.named_parameters(remove_duplicate=False):
        if (known := first.setdefault(id(parameter), name)) != name:
            tied.append((known, name))
    for known, name in tied:
        if name.startswith("head.") != known.startswith("head."):
            yield Finding(
                "tied",
                "warning",
                f"{name!r} is the same parameter as {known!r}: part of the head and of the body at once.",
                f"It goes by its first name, so that ANIL and BOIL count it to {known.partition('.')[0]!r} alone.",
                "Adapt all parameters (innerloop.methods.maml), or untie the two.",
            )
        else:
            yield Finding("tied", "ok", f"{name!r} is the same parameter as {known!r}; they adapt as one.")


def head(subject: Subject) -> Iterator[Finding]:
    """Whether methods that treat head and body differently find them."""
    network = subject.network
    own = getattr(network, "head", None)
    if isinstance(own, nn.Module):
        if not any(True for _ in own.parameters()):
            yield Finding("head", "ok", "Its `head` has no parameters: use it as an embedding (methods.prototypes).")
        elif isinstance(getattr(network, "features", None), nn.Module):
            yield Finding("head", "ok", "ANIL and BOIL find its `head`, and its body in `features`.")
        else:
            yield Finding("head", "ok", "ANIL and BOIL find its `head`.")
        return
    last = _last_layer(subject)
    if last is not None:
        yield Finding(
            "head",
            "ok",
            f"It has no submodule `head`; the last layer with parameters is {last!r}.",
            "Methods that adapt only the head, or all but the head, need to know which it is.",
            f"For those pass head='{last}.*', or name the layer `head` (and what stands before it `features`).",
        )


def _last_layer(subject: Subject) -> str | None:
    modules = dict(subject.network.named_modules())
    total = len(subject.parameters)
    for name in reversed(subject.called):
        mine = [p for p in modules[name].parameters() if p.requires_grad] if name in modules else []
        leaf = name in modules and not any(True for _ in modules[name].children())
        if leaf and mine:
            return name if len(mine) < total else None
    return None


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _keeps(names: list[str]) -> str:
    return "keeps" if len(names) == 1 else "keep"
