"""Few-shot classification tasks over any collection of labelled examples.

Shape legend: T tasks, C classes, W ways, S shots + queries per class, R rows of data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from innerloop.counter import bits, fold, uniform
from innerloop.demands import at_least
from innerloop.errors import DataError
from innerloop.sources._base import Supply, TaskSource, demand_some
from innerloop.sources._class_data import ClassData
from innerloop.task import Examples, Task


@dataclass(frozen=True, eq=False)
class ClassTasks(TaskSource):
    """N-way K-shot tasks: `ways` classes, `shots` support and `queries` query examples of each.

    Classes are dealt to the label slots `0..ways-1` at random in every task, and examples come in random order.

    Args:
        data: the examples.
        ways: classes in a task.
        shots: support examples per class.
        queries: query examples per class.
        seed: another seed gives other tasks.
        split: "train", "validation" or "test"; enters the draw, so that splits never share a task number's draw.
        within_groups: draw all classes of a task from one group (an alphabet, a script); a group comes up in
            proportion to its number of classes.
        name: what the examples are, for results and pages.

    Raises:
        DataError: if there are too few classes, or a class has too few examples; it names the class.

    >>> data = ClassData(torch.arange(12.).reshape(12, 1), counts=[4, 4, 4], names=["a", "b", "c"])
    >>> task = ClassTasks(data, ways=2, shots=1, queries=3)[0]
    >>> task.support.x.shape, task.query.y.shape, task.ways
    (torch.Size([2, 1]), torch.Size([6]), 2)
    """

    data: ClassData
    ways: int = 5
    shots: int = 1
    queries: int = 15
    seed: int = 0
    split: str = "train"
    within_groups: bool = False
    name: str = "classes"
    shape_names: ClassVar[tuple[str, ...]] = ("classes",)

    def __post_init__(self) -> None:
        for what in ("ways", "shots", "queries"):
            at_least(what, getattr(self, what), 1)
        count, group = self.data._count, self.data._group
        largest = int(torch.bincount(group).max()) if self.within_groups and len(group) else len(count)
        if self.ways > largest:
            where = "the largest group of" if self.within_groups else "the"
            raise DataError(
                f"{self.ways}-way tasks need {self.ways} classes; {where} {self.split} split of {self.name} has "
                f"{largest}. Use fewer ways or add classes."
            )
        needed = 1 if self.data.repeats else self.shots + self.queries
        short = (count < needed).nonzero().flatten()
        if len(short):
            i = int(short[0])
            raise DataError(
                f"Class {self.data.names[i]!r} has {int(count[i])} examples; {self.shots} shots and {self.queries} "
                f"queries need {needed}. Use fewer shots or queries, add examples, or leave the class out."
            )

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`, drawn by one gather."""
        keys = self.keys(indices)
        chosen = self._classes(keys)  # (T, W)
        rows = self._rows(keys, chosen)  # (T, W, S)
        tasks, each = len(indices), self.shots + self.queries
        positions = torch.arange(self.ways * each).reshape(self.ways, each)
        # keyed by position in the task, not by row, so that a row drawn twice is varied twice
        keys_of_examples = fold(keys[:, None, None], 2, positions)
        x = self.data.draw(rows.flatten(), keys_of_examples.flatten())
        x = x.reshape(tasks, self.ways, each, *x.shape[1:])
        support = self._shuffled(keys, 3, x[:, :, : self.shots])
        query = self._shuffled(keys, 4, x[:, :, self.shots :])
        return Task(support=support, query=query, index=indices)

    def with_(self, *, classes: int | None = None, **changes: Any) -> Self:
        """The same split in another shape; with `classes`, on some of its classes.

        Which ones depends on the seed in force (see `ClassData.first`): `with_(classes=50, seed=1)` holds the classes
        of `with_(classes=20, seed=1)` and thirty more.

        Raises:
            ConfigurationError: if a name is not a setting of this source, or there are not so many classes.
            DataError: if tasks are not possible with so few classes.
        """
        changed = super().with_(**changes)
        if classes is None:
            return changed
        demand_some(classes, len(self.data.names), "classes", f"The {self.split} split of {self.name}")
        together = changed.ways if changed.within_groups else 1
        return replace(changed, data=changed.data.first(classes, changed.seed, together))

    def supply(self) -> Supply:
        """The classes and their examples."""
        return Supply("classes", len(self.data.names), len(self.data.rows))

    def classes(self, index: int) -> list[str]:
        """Names of the classes of task `index`, in the order of their label slots."""
        chosen = self._classes(self.keys(torch.tensor([index])))[0]
        return [self.data.names[i] for i in chosen.tolist()]

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks."""
        names = ("name", "split", "ways", "shots", "queries", "seed", "within_groups")
        return {**{name: getattr(self, name) for name in names}, "classes": len(self.data.names)}

    def flat(self, size: int = 128) -> FlatClasses:
        """Batches of `size` examples over the merged classes of this split."""
        return FlatClasses(self.data, size=size, seed=self.seed, split=self.split, name=self.name)

    def _classes(self, keys: Tensor) -> Tensor:
        score = bits(keys[:, None], 0, torch.arange(len(self.data.names)))  # (T, C)
        if self.within_groups:
            group = self.data._group
            size = torch.bincount(group)
            weight = torch.where(size >= self.ways, size, 0).cumsum(0)
            ticket = (uniform(keys, 5, dtype=torch.float64) * int(weight[-1])).long()
            drawn = torch.searchsorted(weight, ticket, right=True)  # (T,)
            score = score.masked_fill(group[None, :] != drawn[:, None], -1)
        return score.topk(self.ways, dim=1).indices

    def _rows(self, keys: Tensor, chosen: Tensor) -> Tensor:
        each, count = self.shots + self.queries, self.data._count[chosen]  # (T, W)
        if self.data.repeats:
            ticket = uniform(keys[:, None, None], 1, chosen[:, :, None], torch.arange(each), dtype=torch.float64)
            return self.data._start[chosen][:, :, None] + (ticket * count[:, :, None]).long()
        slots = torch.arange(int(self.data._count.max()))
        score = bits(keys[:, None, None], 1, chosen[:, :, None], slots)
        score = score.masked_fill(slots >= count[:, :, None], -1)
        return self.data._start[chosen][:, :, None] + score.topk(each, dim=2).indices

    def _shuffled(self, keys: Tensor, stream: int, x: Tensor) -> Examples:
        tasks, ways, each = x.shape[:3]
        order = bits(keys[:, None], stream, torch.arange(ways * each)).argsort(dim=1)  # (T, W * each)
        flat = (order + torch.arange(tasks)[:, None] * ways * each).flatten()
        shuffled = x.reshape(tasks * ways * each, *x.shape[3:]).index_select(0, flat)
        mask = torch.ones(tasks, ways * each, dtype=torch.bool)
        return Examples(shuffled.reshape(tasks, ways * each, *x.shape[3:]), order // each, mask, self.ways)


@dataclass(frozen=True, eq=False)
class FlatClasses(TaskSource):
    """The merged classes of a split as ordinary batches: a "task" with an empty support set.

    Args:
        data: the examples.
        size: examples in a batch, classes equally likely.
        seed: another seed gives other batches.
        split: which split the classes are from.
        name: what the examples are.
    """

    data: ClassData
    size: int = 128
    seed: int = 0
    split: str = "train"
    name: str = "classes"

    def batch(self, indices: Tensor) -> Task:
        """The batches numbered `indices`."""
        tasks, positions = len(indices), torch.arange(self.size)
        keys = fold(self.keys(indices)[:, None], 6, positions)  # (T, size)
        label = (uniform(keys, 0, dtype=torch.float64) * len(self.data.names)).long()
        offset = (uniform(keys, 1, dtype=torch.float64) * self.data._count[label]).long()
        x = self.data.draw((self.data._start[label] + offset).flatten(), fold(keys, 2).flatten())
        x = x.reshape(tasks, self.size, *x.shape[1:])
        mask = torch.ones(tasks, self.size, dtype=torch.bool)
        query = Examples(x, label, mask, len(self.data.names))
        support = query.map(lambda leaf: leaf[:, :0])
        return Task(support=support, query=query, index=indices)

    def describe(self) -> dict[str, Any]:
        """Name, split, size and seed of the batches."""
        return {"name": self.name, "split": self.split, "flat": self.size, "seed": self.seed}
