"""What a forward pass leaves behind: in its input, in the module, in attributes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.checks._report import Finding
from innerloop.checks._subject import Subject, listed, same
from innerloop.networks import Norm, NormCall
from innerloop.networks._norm import norm_call, norms_of

_EVERY_MODULE = set(vars(nn.Module()))
"""Attributes that any module has."""


def written(subject: Subject) -> Iterator[Finding]:
    """Inputs, parameters, buffers and attributes that a forward pass changes."""
    network, x = copy.deepcopy(subject.network), subject.take(slice(None))
    before = {name: value.detach().clone() for name, value in _tensors(network).items()}
    switches = _switches(network)
    with torch.no_grad(), norm_call(norms_of(network), NormCall()):
        network(x)
        attributes = _attributes(network)
        network(pytree.tree_map(_other_values, subject.x))
    if not same(pytree.tree_leaves(x), pytree.tree_leaves(subject.x), 0.0):
        yield Finding(
            "input",
            "problem",
            "forward writes into its input.",
            "Every inner step reads the same support examples: from the second on they would be others.",
            "Compute a new tensor: x = x + 1 and not x += 1, F.relu(x) and not inplace=True in the first layer.",
        )
    if turned := [name for name, value in _switches(network).items() if switches.get(name) != value]:
        yield Finding(
            "switches",
            "problem",
            f"forward turns {listed(turned)}.",
            "A learner decides what is trained, and when: what forward turns stays so for all that follows.",
            "Call train(), eval() and requires_grad_() outside of forward.",
        )
    after = _tensors(network)
    changed = [name for name in before if name not in after or not torch.equal(before[name], after[name])]
    parameters = {name for name, _ in network.named_parameters()}
    if mine := [name for name in changed if name in parameters]:
        yield Finding(
            "written parameters",
            "problem",
            f"forward writes into {listed(mine)}.",
            "Neither gradient sees the change, and it carries over from one task to the next.",
            "Compute a new value from the parameter and use that: weight = self.weight.clamp(-1, 1).",
        )
    if buffers := [name for name in changed if name not in parameters]:
        yield Finding(
            "written buffers",
            "problem",
            f"forward writes into {listed(buffers)}.",
            "What one task leaves there the next one finds, the meta-gradient does not see it, and vmap refuses it.",
            "Compute it from the inputs each time; set track_running_stats=False on instance norms.",
        )
    if kept := _differing(attributes, _attributes(network)):
        yield Finding(
            "kept between calls",
            "warning",
            f"forward changes {listed(kept)}.",
            "Under vmap such an attribute holds all tasks at once, and anything read back later comes from another "
            "step or task.",
            "Return it beside the output, or compute it anew in each call.",
        )


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    # not state_dict: that leaves out buffers that are not saved
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _switches(network: nn.Module) -> dict[str, bool]:
    training = {f"{name}.training".lstrip("."): module.training for name, module in network.named_modules()}
    return training | {f"{name}.requires_grad": p.requires_grad for name, p in network.named_parameters()}


def _attributes(network: nn.Module) -> dict[str, Any]:
    """Plain values and tensors that submodules hold as attributes, by dotted name."""
    found = {}
    for name, module in network.named_modules():
        if not isinstance(module, Norm):
            for key, value in vars(module).items():
                if key not in _EVERY_MODULE and key != "training":
                    found[f"{name}.{key}".lstrip(".")] = _frozen(value)
    return found


def _frozen(value: Any) -> Any:
    leaves = pytree.tree_leaves(value)
    plain = (int, float, str, Tensor, type(None))
    return [leaf.detach().clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves if isinstance(leaf, plain)]


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name, value in after.items() if not _equal(before.get(name), value)]


def _equal(a: Any, b: Any) -> bool:
    if a is None or len(a) != len(b):
        return False
    return all(
        isinstance(right, Tensor) and torch.equal(left, right)
        if isinstance(left, Tensor)
        else not isinstance(right, Tensor) and left == right
        for left, right in zip(a, b, strict=True)
    )


def _other_values(leaf: Tensor) -> Tensor:
    # not only another order: a mean over the batch would stay the same
    other = leaf.roll(1, 0)
    return other * 0.5 + 1 if leaf.is_floating_point() else other
