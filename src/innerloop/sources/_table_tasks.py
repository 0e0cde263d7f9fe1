"""Tasks over the rows of a table: a batch of them is drawn by one gather.

Shape legend: T tasks, N examples of a task, F features, R rows of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from innerloop.counter import bits, fold, uniform
from innerloop.demands import at_least
from innerloop.errors import DataError
from innerloop.sources._base import Supply, TaskSource, demand_some, shuffled
from innerloop.task import Examples, Task


@dataclass(frozen=True, eq=False)
class TableData:
    """The rows of some tasks, those of one task side by side.

    Args:
        x: `(R, F)` inputs.
        y: `(R, 1)` float targets, or `(R,)` int64 labels.
        counts: rows of each task.
        names: a name for each task.
        ways: number of classes; None in regression.
    """

    x: Tensor
    y: Tensor
    counts: Sequence[int]
    names: Sequence[str]
    ways: int | None = None
    _start: Tensor = field(init=False, repr=False)
    _count: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        count = torch.tensor(list(self.counts), dtype=torch.int64)
        object.__setattr__(self, "_count", count)
        object.__setattr__(self, "_start", count.cumsum(0) - count)

    def first(self, tasks: int, seed: int) -> TableData:
        """Some of the tasks: for one seed, a smaller number of them is part of every larger one.

        Raises:
            ConfigurationError: if there are not so many.
        """
        demand_some(tasks, len(self.names), "tasks", "The table")
        chosen = sorted(shuffled(self.names, seed)[:tasks])
        starts, counts = self._start.tolist(), self._count.tolist()
        at = torch.cat([torch.arange(starts[i], starts[i] + counts[i]) for i in chosen])
        return replace(
            self, x=self.x[at], y=self.y[at], counts=[counts[i] for i in chosen], names=[self.names[i] for i in chosen]
        )

    def take(self, rows: Tensor, mask: Tensor) -> Examples:
        """The examples at `rows` `(T, N)`, zero where `mask` `(T, N)` is False."""
        kept = rows * mask
        x, y = self.x[kept] * mask[..., None], self.y[kept]
        return Examples(x, y * (mask if self.ways is not None else mask[..., None]), mask, self.ways)


@dataclass(frozen=True, eq=False)
class TableTasks(TaskSource):
    """Task `i` is one of the table's tasks, each equally likely, with some of its rows in a random order.

    A table has few tasks: task numbers beyond them give the same ones again with other rows.

    Args:
        data: the rows of this split.
        shots: support rows.
        queries: query rows; a task with fewer rows left has a masked rest.
        seed: another seed gives other tasks.
        split: "train", "validation" or "test".
        name: what the table is.
        ordered: the support rows are a task's first ones, in the order of the data, and the query rows are drawn from
            those after them: learn from the past, predict the future.

    Raises:
        DataError: if a task has fewer than `shots + 1` rows; it names the task.

    >>> data = TableData(torch.randn(9, 2), torch.randn(9, 1), counts=[5, 4], names=["Anna", "Ben"])
    >>> task = TableTasks(data, shots=3, queries=2)[0:2]
    >>> task.support.x.shape, task.query.y.shape
    (torch.Size([2, 3, 2]), torch.Size([2, 2, 1]))
    """

    data: TableData
    shots: int = 10
    queries: int = 20
    seed: int = 0
    split: str = "train"
    name: str = "table"
    ordered: bool = False
    shape_names: ClassVar[tuple[str, ...]] = ("tasks",)

    def __post_init__(self) -> None:
        for what in ("shots", "queries"):
            at_least(what, getattr(self, what), 1)
        names, counts = self.data.names, self.data.counts
        short = [f"{name!r} ({n})" for name, n in zip(names, counts, strict=True) if n < self.shots + 1]
        if short:
            raise DataError(
                f"{self.shots} shots and a query need {self.shots + 1} rows of each task; {len(short)} tasks "
                f"of the {self.split} split have fewer: "
                f"{', '.join(short[:10])}{', ...' if len(short) > 10 else ''}. Use fewer shots, add rows, or "
                "leave these tasks out."
            )

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`, drawn by one gather."""
        keys = self.keys(indices)
        chosen = self._tasks(keys)
        start, count = self.data._start[chosen][:, None], self.data._count[chosen][:, None]  # (T, 1)
        slots = torch.arange(max(int(self.data._count.max()), self.shots + self.queries))
        score = bits(keys[:, None], 1, slots).masked_fill(slots >= count, -1)
        if self.ordered:  # the first rows come before all that are drawn, the first of them first
            first = torch.arange(self.shots, 0, -1) + (torch.iinfo(torch.int64).max - self.shots)
            score[:, : self.shots] = first
        rows = start + score.topk(self.shots + self.queries, dim=1).indices
        mask = torch.arange(self.shots + self.queries) < count
        return Task(
            support=self.data.take(rows[:, : self.shots], mask[:, : self.shots]),
            query=self.data.take(rows[:, self.shots :], mask[:, self.shots :]),
            index=indices,
        )

    def with_(self, *, tasks: int | None = None, **changes: Any) -> Self:
        """The same split in another shape; with `tasks`, on some of the table's tasks, nested for one seed.

        Raises:
            ConfigurationError: if a name is not a setting of this source, or there are not so many tasks.
        """
        changed = super().with_(**changes)
        if tasks is None:
            return changed
        demand_some(tasks, len(self.data.names), "tasks", f"The {self.split} split of {self.name}")
        return replace(changed, data=changed.data.first(tasks, changed.seed))

    def supply(self) -> Supply:
        """The table's tasks and their rows."""
        return Supply("tasks", len(self.data.names), len(self.data.x))

    def names(self, indices: Sequence[int]) -> list[str]:
        """Which of the table's tasks the tasks numbered `indices` are."""
        chosen = self._tasks(self.keys(torch.tensor(list(indices), dtype=torch.int64)))
        return [self.data.names[i] for i in chosen.tolist()]

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks, and how many different ones the table has."""
        names = ("name", "split", "shots", "queries", "seed")
        rest = {"ways": self.data.ways, "features": self.data.x.shape[1], "distinct": len(self.data.names)}
        order = {"ordered": True} if self.ordered else {}
        return {**{name: getattr(self, name) for name in names}, **rest, **order}

    def flat(self, size: int = 128) -> FlatTable:
        """Batches of `size` rows over all tasks of this split."""
        return FlatTable(self.data, size=size, seed=self.seed, split=self.split, name=self.name)

    def _tasks(self, keys: Tensor) -> Tensor:
        return (uniform(keys, 0, dtype=torch.float64) * len(self.data.names)).long()


@dataclass(frozen=True, eq=False)
class FlatTable(TaskSource):
    """The rows of all tasks of a split as ordinary batches: a "task" with an empty support set.

    Args:
        data: the rows.
        size: rows in a batch, all equally likely.
        seed: another seed gives other batches.
        split: which split the rows are from.
        name: what the table is.
    """

    data: TableData
    size: int = 128
    seed: int = 0
    split: str = "train"
    name: str = "table"

    def batch(self, indices: Tensor) -> Task:
        """The batches numbered `indices`."""
        keys = fold(self.keys(indices)[:, None], 6, torch.arange(self.size))
        rows = (uniform(keys, dtype=torch.float64) * len(self.data.x)).long()
        query = self.data.take(rows, torch.ones(rows.shape, dtype=torch.bool))
        return Task(support=query.map(lambda leaf: leaf[:, :0]), query=query, index=indices)

    def describe(self) -> dict[str, Any]:
        """Name, split, size and seed of the batches."""
        return {"name": self.name, "split": self.split, "flat": self.size, "seed": self.seed}
