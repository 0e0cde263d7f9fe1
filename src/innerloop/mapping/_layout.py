"""How pictures lie in memory."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.task import Task


def with_channels_last(task: Task) -> Task:
    """The same task, its pictures `(N, C, H, W)` with the channels innermost in memory.

    >>> from innerloop.task import Examples
    >>> pictures = Examples(torch.zeros(2, 3, 4, 4), torch.zeros(2))
    >>> with_channels_last(Task(pictures, pictures)).query.x.stride()
    (48, 1, 12, 3)
    """
    support, query = (
        replace(examples, x=pytree.tree_map(_channels_last, examples.x)) for examples in (task.support, task.query)
    )
    return replace(task, support=support, query=query)


def has_pictures(tasks: Task) -> bool:
    """Whether there is anything to lay out in a batch of tasks."""
    return any(_is_pictures(leaf, 5) for leaf in pytree.tree_leaves(tasks.query.x))


def _is_pictures(leaf: Tensor, axes: int) -> bool:
    return leaf.ndim == axes and leaf.is_floating_point()


def _channels_last(leaf: Tensor) -> Tensor:
    if not _is_pictures(leaf, 4):
        return leaf
    if leaf.shape[1] > 1:
        return leaf.contiguous(memory_format=torch.channels_last)
    # with one channel both layouts are the same numbers in the same order: only the strides say which is meant
    _, _, height, width = leaf.shape
    return leaf.contiguous().as_strided(leaf.shape, (height * width, 1, width, 1))
