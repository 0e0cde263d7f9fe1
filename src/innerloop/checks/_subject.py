"""The module that is looked at: a copy, so that nothing of the user's is changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils import _pytree as pytree

from innerloop.checks._advice import first_line
from innerloop.errors import ConfigurationError, DataError
from innerloop.networks import NormCall
from innerloop.networks._norm import norm_call, norms_of
from innerloop.task import Tree

Parameters = dict[str, Tensor]


@dataclass
class Subject:
    """A copy of a module, one batch of inputs for it, and what earlier checks found out for later ones.

    Attributes:
        network: the copy; checks mend it where they can, so that the next one finds what lies behind.
        x: inputs, every leaf `(N, ...)`.
        lazy: names of parameters that had no shape before the first forward pass.
        called: names of submodules in the order in which a forward pass enters them.
        random: whether `train()` gives other outputs from call to call.
        repeatable: whether the same seed gives the same outputs.
    """

    network: nn.Module
    x: Tree
    lazy: list[str]
    called: list[str] = field(default_factory=list)
    random: bool = False
    repeatable: bool = True

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """The trainable parameters by name."""
        return {name: p for name, p in self.network.named_parameters() if p.requires_grad}

    @property
    def rows(self) -> int:
        """Number of examples in the batch."""
        return int(pytree.tree_leaves(self.x)[0].shape[0])

    def run(self, parameters: Parameters, x: Tree, *, call: NormCall | None = None) -> Any:
        """Outputs for `x` as a learner computes them: with other parameters, and norms that follow a policy.

        Buffers are copies, so that every run starts from the same ones.
        """
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        with norm_call(norms_of(self.network), call or NormCall()):
            return torch.func.functional_call(self.network, {**buffers, **parameters}, (x,))

    def take(self, rows: slice) -> Tree:
        """Some rows of the batch, copied: a forward may write into its input."""
        return pytree.tree_map(lambda leaf: leaf[rows].clone(), self.x)

    def twin(self) -> Subject:
        """The same again, with a network of its own."""
        return replace(self, network=copied(self.network))

    def exact(self) -> Subject:
        """The same in double precision."""
        x = pytree.tree_map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, self.x)
        return replace(self, network=copied(self.network).double(), x=x)


def copied(network: nn.Module) -> nn.Module:
    """A deep copy, also where a forward has left tensors with a graph as attributes."""
    held = [leaf for module in network.modules() for leaf in pytree.tree_leaves(list(vars(module).values()))]
    memo = {id(leaf): leaf.detach() for leaf in held if isinstance(leaf, Tensor) and not leaf.is_leaf}
    return copy.deepcopy(network, memo)


def subject_of(module: nn.Module, x: Tree) -> Subject:
    """A copy of `module` in `train()`, after one forward pass without gradients.

    Raises:
        ConfigurationError: if it is no module, or cannot be copied.
        DataError: if it cannot take the inputs.
    """
    if not isinstance(module, nn.Module):
        raise ConfigurationError(f"Expected an nn.Module; got {type(module).__name__}. Give check() an instance.")
    leaves = pytree.tree_leaves(x)
    if not leaves or not all(isinstance(leaf, Tensor) and leaf.ndim for leaf in leaves):
        raise DataError("Expected inputs as a tensor, or a tree of tensors, with a leading example axis.")
    counts = {int(leaf.shape[0]) for leaf in leaves}
    if len(counts) > 1 or min(counts) < 4:
        raise DataError(
            f"Expected a batch of at least 4 examples, as many in every tensor; got {sorted(counts)}. "
            "Their values do not matter: torch.randn will do."
        )
    lazy = [name for name, parameter in module.named_parameters() if is_lazy(parameter)]
    try:
        network = copy.deepcopy(module).train()
    except Exception as error:  # whatever the user's own __deepcopy__ does
        raise ConfigurationError(
            f"{type(module).__name__} cannot be copied: {first_line(error)}. Adapted models keep a copy: hold only "
            "parameters, buffers, submodules and plain values as attributes."
        ) from error
    subject = Subject(network, x, lazy)
    # lazy layers get their shapes; others must not be touched before anyone looks
    tried = network if lazy else copied(network)
    try:
        with torch.no_grad(), calls(tried) as trace, norm_call(norms_of(tried), NormCall()):
            tried(subject.take(slice(None)))
    except Exception as error:  # it is the user's forward that runs here
        found = ", ".join(f"{tuple(leaf.shape)} {str(leaf.dtype).removeprefix('torch.')}" for leaf in leaves)
        raise DataError(
            f"{type(module).__name__} cannot take one batch of inputs {found}: {first_line(error)}. Give it the "
            "shape and type of one example that its forward expects, as its only argument."
        ) from error
    subject.called = trace.entered
    return subject


@dataclass
class Trace:
    """Which submodules a forward pass entered, and which it has not left."""

    entered: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)


@contextmanager
def calls(network: nn.Module) -> Iterator[Trace]:
    """While it lasts, the trace of the network's forward passes; after an error, `inside` ends where it happened."""
    trace, handles = Trace(), []

    def enter(name: str) -> Any:
        def hook(module: nn.Module, arguments: Any) -> None:
            trace.entered.append(name)
            trace.inside.append(name)

        return hook

    def leave(module: nn.Module, arguments: Any, output: Any) -> None:
        if trace.inside:
            trace.inside.pop()

    for name, module in network.named_modules():
        if name:
            handles += [module.register_forward_pre_hook(enter(name)), module.register_forward_hook(leave)]
    try:
        yield trace
    finally:
        for handle in handles:
            handle.remove()


def outputs(found: Any) -> list[Tensor]:
    """The tensors of an output that losses can be made of."""
    return [leaf for leaf in pytree.tree_leaves(found) if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def same(a: list[Tensor], b: list[Tensor], tolerance: float) -> bool:
    """Whether tensors agree relative to their size."""
    return len(a) == len(b) and all(
        left.shape == right.shape
        and float((left - right).abs().max() if left.numel() else 0.0)
        <= tolerance * (1e-12 + float(left.abs().max() if left.numel() else 0.0))
        for left, right in zip(a, b, strict=True)
    )


def apart(a: list[Tensor], b: list[Tensor]) -> float:
    """The difference relative to the size of all tensors together: some may be nothing but rounding errors."""
    left, right = (torch.cat([tensor.detach().flatten().double() for tensor in each]) for each in (a, b))
    return float((left - right).norm() / left.norm().clamp(min=1e-12))


def listed(names: list[str]) -> str:
    """Names in quotes, the first few of them."""
    shown = ", ".join(repr(name) for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def place(inside: list[str]) -> str:
    """Where an error happened, in words."""
    return f" (in {inside[-1]!r})" if inside else ""
