"""Inner steps that are computed a second time in the backward pass, instead of being kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils import _pytree as pytree

from innerloop.task import Tree


def recomputed(function: Callable[[Tree], Tree], inputs: Tree, parameters: Sequence[nn.Parameter]) -> Tree:
    """`function(inputs)` with a graph that holds the inputs and nothing in between.

    `torch.utils.checkpoint` would recompute in the forward pass already: an inner gradient looks at what was saved.

    Args:
        function: from a tree to a tree; leaves that are no tensors of floating point pass as constants.
        inputs: the tree; gradients flow back into its tensors.
        parameters: what else `function` depends on, and gradients are wanted for.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
    """
    leaves, structure = pytree.tree_flatten(inputs)
    at = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    shape: list[Any] = []

    def flat(*tensors: Tensor) -> list[Tensor]:
        filled = list(leaves)
        for i, tensor in zip(at, tensors, strict=True):
            filled[i] = tensor
        found, after = pytree.tree_flatten(function(pytree.tree_unflatten(filled, structure)))
        shape[:] = [after, [leaf if not isinstance(leaf, Tensor) else None for leaf in found]]
        return [leaf for leaf in found if isinstance(leaf, Tensor)]

    out = _Recomputed.apply(flat, len(at), *(leaves[i] for i in at), *parameters)
    after, constants = shape
    tensors = iter(out)
    return pytree.tree_unflatten([next(tensors) if c is None else c for c in constants], after)


def recomputed_steps(
    steps: Sequence[Callable[[tuple[Tree, Tree]], Tree]], state: Tree, beside: Tree, parameters: Sequence[nn.Parameter]
) -> Tree:
    """Steps one after the other, of which the graph holds the first state alone.

    When they are computed again, each keeps the state before it and nothing else, so several steps are computed three
    times in all, and one step twice.

    Args:
        steps: each from a state and what stands beside it to the next state.
        state: the first one.
        beside: what every step looks at and gradients flow back into.
        parameters: as for `recomputed`.
    """

    def one_by_one(at: tuple[Tree, Tree]) -> Tree:
        state, beside = at
        for step in steps:
            state = recomputed(step, (state, beside), parameters)
        return state

    return one_by_one((state, beside)) if len(steps) == 1 else recomputed(one_by_one, (state, beside), parameters)


def device_generators(tensors: Sequence[Tensor]) -> dict[int, Tensor]:
    """States of the generators of the devices that hold the tensors, by device number; the CPU's is not among them.

    >>> device_generators([torch.zeros(1)])
    {}
    """
    devices = sorted({tensor.get_device() for tensor in tensors if tensor.is_cuda})
    return {device: torch.cuda.get_rng_state(device) for device in devices}


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Callable[..., list[Tensor]], count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.run, ctx.count = run, count
        ctx.random = torch.get_rng_state(), device_generators(tensors)  # dropout must drop the same units again
        ctx.save_for_backward(*tensors)
        return tuple(run(*tensors[:count]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        saved, (on_cpu, on_devices) = ctx.saved_tensors, ctx.random
        with torch.enable_grad(), torch.random.fork_rng(devices=list(on_devices)):
            torch.set_rng_state(on_cpu)
            for device, state in on_devices.items():
                torch.cuda.set_rng_state(state, device)
            inputs = [tensor.detach().requires_grad_() for tensor in saved[: ctx.count]]
            pairs = [(o, s) for o, s in zip(ctx.run(*inputs), slopes, strict=True) if o.requires_grad]
            found = torch.autograd.grad(
                [o for o, _ in pairs], [*inputs, *saved[ctx.count :]], [s for _, s in pairs], allow_unused=True
            )
        return None, None, *found
