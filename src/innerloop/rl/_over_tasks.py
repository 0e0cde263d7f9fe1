"""A function of every task, side by side or one after the other, with gradients flowing through."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.mapping import Mapping
from innerloop.mapping._gradient import vectorised
from innerloop.task import Tree


def over_tasks(function: Callable[..., Tree], *trees: Tree, mapping: Mapping) -> Tree:
    """`function` of every task's part of some trees, stacked; unlike `Mapping.map` it keeps the graph.

    Args:
        function: from the parts of one task to a tree of tensors.
        trees: every leaf `(T, ...)`.
        mapping: whether to vectorise.
    """
    with vectorised(mapping.vectorise):
        if mapping.vectorise:
            return torch.func.vmap(function)(*trees)
        count = int(pytree.tree_leaves(trees)[0].shape[0])
        each = [function(*pytree.tree_map(lambda leaf, i=i: leaf[i], trees)) for i in range(count)]
        return cast(Tree, pytree.tree_map(lambda *leaves: torch.stack(leaves), *each))


def rows(tree: Tree, index: int | slice) -> Tree:
    """One task's part, or that of some tasks, of a tree whose leaves are `(T, ...)`."""

    def row(leaf: Tensor) -> Tensor:
        return leaf[index]

    return pytree.tree_map(row, tree)
