"""The rule that picks a mapping."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.mapping._fallback import RECURRENT, has_recurrent_layers
from innerloop.mapping._mapping import Mapping
from innerloop.task import Task

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)

CROSSOVER = 2_500_000
"""Query rows x pixels x channels of a task above which a CPU runs per-task convolutions faster one task at a time.
Measured with Conv-4 between 0.6 and 9.8 million, see docs/design.md."""

HEAVY = 400_000
"""Weights of its own per task above which a CPU runs linear layers as fast one task at a time, in a fraction of the
memory. Measured with five steps of Adam on a perceptron: with 0.07, 0.26, 0.5 and 1 million weights `vmap` takes 0.5,
1.2, 1.4 and 2.1 times as long as the loop."""

CHUNK = 8
"""Tasks in flight with per-task convolutions: their activations are what fills the memory."""


def choose_mapping(every: Iterable[nn.Module], adapted: Iterable[nn.Module], tasks: Task) -> Mapping:
    """The mapping that is expected to be fastest.

    Recurrent layers have no batching rule. Convolutions whose weights differ from task to task become grouped
    convolutions under `vmap`: on a CPU that wins while the overhead of single operations counts, and loses on large
    batches of large pictures, at up to 15 times the memory. Wide linear layers of which every task has
    its own are read from memory in either way, and `vmap` needs memory for all tasks. Everywhere else `vmap` wins.

    Args:
        every: all modules of the learner.
        adapted: those whose own weights differ from task to task.
        tasks: a batch of the tasks to come.
    """
    if any(map(has_recurrent_layers, every)):
        return Mapping(vectorise=False, reason=RECURRENT)
    adapted = list(adapted)
    channels = [module.out_channels for module in adapted if isinstance(module, _CONVOLUTIONS)]
    if not channels:
        weights = sum(weight.numel() for module in adapted for weight in module.parameters(recurse=False))
        if weights > HEAVY and tasks.index.device.type == "cpu":
            reason = f"{weights / 1e6:.1f} million weights of their own per task on a CPU"
            return Mapping(vectorise=False, reason=reason)
        return Mapping(vectorise=True, reason="no convolutions with weights of their own per task")
    if tasks.index.device.type != "cpu":
        return Mapping(vectorise=True, chunk=CHUNK, reason="per-task convolutions on an accelerator")
    work = max(channels) * max(_pixels(leaf) for leaf in pytree.tree_leaves(tasks.query.x))
    if work > CROSSOVER:
        return Mapping(
            vectorise=False, reason=f"large per-task convolutions on a CPU ({work / 1e6:.1f} million outputs)"
        )
    return Mapping(
        vectorise=True, chunk=CHUNK, reason=f"small per-task convolutions on a CPU ({work / 1e6:.1f} million outputs)"
    )


def _pixels(leaf: Tensor) -> int:
    # (T, N, C, H, W): rows times positions
    return leaf.shape[1] * leaf[0, 0, 0].numel() if leaf.ndim > 3 else leaf.shape[1]
