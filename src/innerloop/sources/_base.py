"""A task source is a function from an integer to a task; a split is another range of integers."""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple, Self, cast

import torch
from torch import Tensor

from innerloop.counter import fold
from innerloop.errors import ConfigurationError
from innerloop.task import Task, take

SPLITS = ("train", "validation", "test")


class Supply(NamedTuple):
    """What a split has to train on.

    Attributes:
        unit: what is counted, and what `with_` takes fewer of: "classes" or "tasks".
        number: how many different ones there are; None: no end of them.
        labels: how many labelled examples; None: no end of them.
    """

    unit: str
    number: int | None
    labels: int | None


class TaskSource(ABC):
    """Task `i` is always the same task: on any machine, in any order, in any batch.

    Sources are frozen dataclasses with (at least) the fields `seed` and `split`; a subclass writes `batch`, and
    draws everything in it from `self.keys(indices)`.
    """

    seed: int
    split: str
    shape_names: ClassVar[tuple[str, ...]] = ()
    """What `with_` of a subclass takes beside its fields."""

    @abstractmethod
    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices` `(T,)`, stacked."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the tasks are, as plain values for a results file: name, split, shape of a task, seed."""

    def __getitem__(self, index: int | slice | Sequence[int]) -> Task:
        """Task `i`, or a batch of tasks for a slice or a sequence of numbers.

        Raises:
            ConfigurationError: for a number below 0, or a slice without a stop.
        """
        if isinstance(index, int):
            return take(self[[index]], 0)
        if isinstance(index, slice):
            if index.stop is None:
                raise ConfigurationError("A task source has no end: give a slice of tasks a stop, as in [0:10].")
            _demand_from_0([index.start or 0, index.stop])
            index = range(index.start or 0, index.stop, index.step or 1)
        numbers = list(index)
        _demand_from_0(numbers)
        return self.batch(torch.tensor(numbers, dtype=torch.int64))

    def keys(self, indices: Tensor) -> Tensor:
        """One 64-bit key per task, different for every seed and split."""
        if self.split not in SPLITS:
            raise ConfigurationError(f"There is no split {self.split!r}; there are {', '.join(SPLITS)}.")
        return fold(self.seed, SPLITS.index(self.split), indices)

    def with_(self, **changes: Any) -> Self:
        """The same split in another shape, for instance `with_(ways=20, shots=5)`.

        Raises:
            ConfigurationError: if a name is not a setting of this source.
        """
        fields = [field.name for field in dataclasses.fields(cast(Any, self)) if field.init]
        names = sorted({*fields, *self.shape_names})
        for name in changes:
            if name not in names:
                raise ConfigurationError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(names)}.")
        return cast(Self, dataclasses.replace(cast(Any, self), **changes))

    def supply(self) -> Supply:
        """How much there is to train on; without end unless a subclass says otherwise."""
        return Supply("tasks", None, None)

    def flat(self, size: int = 128) -> TaskSource:
        """The merged classes as ordinary batches of `size` examples, for pretraining without tasks.

        Raises:
            ConfigurationError: if the source has no classes that could be merged.
        """
        raise ConfigurationError(f"{type(self).__name__} has no classes to merge: there is no flat view of it.")


def _demand_from_0(numbers: Sequence[int]) -> None:
    if min(numbers, default=0) < 0:
        raise ConfigurationError(
            f"Tasks are numbered from 0, with no end to count back from; got {min(numbers)}. Give numbers from 0, as "
            "in [0:10]."
        )


def shuffled(names: Iterable[str], seed: int) -> list[int]:
    """Places of the names in an order that depends on each name and the seed alone.

    The first few are the same few however many names there are behind them, so subsets of growing size are nested.

    >>> shuffled(["a", "b", "c"], 0) == shuffled(["a", "b", "c"], 0)
    True
    """
    keys = [hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).digest() for name in names]
    return sorted(range(len(keys)), key=keys.__getitem__)


def demand_some(count: int, there: int, unit: str, where: str) -> None:
    """Refuses a subset that cannot be.

    Raises:
        ConfigurationError: if it is empty or larger than the whole.
    """
    if not 1 <= count <= there:
        raise ConfigurationError(f"{where} has {there} {unit}; expected a number from 1 to {there}, got {count}.")


class Splits:
    """A family of tasks in three disjoint parts.

    Attributes:
        train: tasks to meta-train on.
        validation: tasks to choose settings and checkpoints on.
        test: tasks to report, looked at once.
    """

    train: TaskSource
    validation: TaskSource
    test: TaskSource

    def __init__(self, train: TaskSource, validation: TaskSource, test: TaskSource):
        self.train, self.validation, self.test = train, validation, test

    def __repr__(self) -> str:
        parts = [f"  {name}={getattr(self, name)!r}," for name in SPLITS]
        return "\n".join([f"{type(self).__name__}(", *parts, ")"])
