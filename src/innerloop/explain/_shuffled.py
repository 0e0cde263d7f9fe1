"""Views of a task source in which the support set says something wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.counter import bits, fold, uniform
from innerloop.errors import ConfigurationError
from innerloop.task import Examples, Source, Task


@dataclass(frozen=True, eq=False)
class Shuffled:
    """The same tasks with the support targets of each dealt to its support inputs at random.

    Args:
        source: a split of tasks.
        seed: another seed gives other orders.
    """

    source: Source
    seed: int = 0

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        tasks = self.source.batch(indices)
        support, order = tasks.support, self.order(tasks)
        y = pytree.tree_map(lambda leaf: leaf[torch.arange(len(leaf))[:, None], order], support.y)
        return Task(Examples(support.x, y, support.mask, support.ways), tasks.query, tasks.index)

    def order(self, tasks: Task) -> Tensor:
        """`(T, N)`: from which row each support row takes its target; padding keeps its own."""
        mask = tasks.support.mask
        keys = fold(self.seed, tasks.index)[:, None]
        score = uniform(keys, torch.arange(mask.shape[1]), dtype=torch.float64).masked_fill(~mask, 2.0)
        rows = torch.argsort((~mask).to(torch.int8), dim=1, stable=True)
        return torch.empty_like(rows).scatter_(1, rows, torch.argsort(score, dim=1, stable=True))

    def describe(self) -> dict[str, Any]:
        """What the tasks are."""
        return {**self.source.describe(), "support targets": "shuffled"}


@dataclass(frozen=True, eq=False)
class Swapped:
    """The same queries, each task with the support set of the next one.

    Args:
        source: a split of tasks.
    """

    source: Source

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        tasks = self.source.batch(indices)
        return Task(self.source.batch(indices + 1).support, tasks.query, tasks.index)

    def describe(self) -> dict[str, Any]:
        """What the tasks are."""
        return {**self.source.describe(), "support set": "of the next task"}


@dataclass(frozen=True, eq=False)
class Mislabelled:
    """The same tasks with one support label of each replaced by that of another class.

    Args:
        source: a split of tasks with classes.
        seed: another seed spoils other examples.
    """

    source: Source
    seed: int = 0

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`.

        Raises:
            ConfigurationError: in regression, where there are no labels.
        """
        tasks = self.source.batch(indices)
        support, ways = tasks.support, tasks.ways
        if ways is None:
            raise ConfigurationError("A wrong label needs classes; these tasks have none (ways is None).")
        row = self.rows(tasks)
        other = 1 + bits(fold(self.seed, tasks.index), 1) % (ways - 1)
        y = support.y.clone()
        place = torch.arange(len(y)), row
        y[place] = (y[place] + other) % ways
        return Task(Examples(support.x, y, support.mask, ways), tasks.query, tasks.index)

    def rows(self, tasks: Task) -> Tensor:
        """`(T,)`: the support row of each task whose label is wrong."""
        mask = tasks.support.mask
        score = uniform(fold(self.seed, tasks.index)[:, None], 0, torch.arange(mask.shape[1]), dtype=torch.float64)
        return score.masked_fill(~mask, -1.0).argmax(dim=1)

    def describe(self) -> dict[str, Any]:
        """What the tasks are."""
        return {**self.source.describe(), "support labels": "one wrong"}
