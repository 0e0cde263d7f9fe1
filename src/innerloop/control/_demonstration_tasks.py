"""Tasks made of demonstrations: one goal is a task, some demonstrations of it the support set, others the query set.

Shape legend: T tasks, G goals, D demonstrations of each, H rows of a demonstration, K shots, Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.control._demonstrations import Collected
from innerloop.control._normalisation import Normalisation
from innerloop.control._plan import Plan
from innerloop.control._tasks import OBSERVED, Array
from innerloop.counter import bits, fold
from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.sources._base import SPLITS, Supply, TaskSource, demand_some, shuffled
from innerloop.sources._table_tasks import FlatTable, TableData
from innerloop.task import Examples, Task


@dataclass(frozen=True, eq=False)
class DemonstrationTasks(TaskSource):
    """Task `i` is a goal with some of its demonstrations; G tasks one after the other have G different goals.

    The rows of a demonstration are in the order of time. Every demonstration takes `rows` of them, one more than the
    longest has, so that a masked row stands behind each: there one demonstration ends, and the next begins.

    Args:
        plan: what was demonstrated.
        data: the demonstrations of this split.
        normalisation: of the observations.
        shots: demonstrations in the support set.
        queries: demonstrations in the query set, others than those of the support set.
        seed: another seed gives another order of goals and other choices of demonstrations.
        split: "train", "validation" or "test".

    Raises:
        ConfigurationError: if a goal has fewer demonstrations than shots and queries.
    """

    plan: Plan
    data: Collected
    normalisation: Normalisation
    shots: int = 1
    queries: int = 1
    seed: int = 0
    split: str = "train"
    numbers: tuple[int, ...] = ()
    _x: Tensor = field(init=False, repr=False)
    _y: Tensor = field(init=False, repr=False)
    shape_names: ClassVar[tuple[str, ...]] = ("tasks",)

    def __post_init__(self) -> None:
        for what in ("shots", "queries"):
            at_least(what, getattr(self, what), 1)
        there = self.data.lengths.shape[1]
        if self.shots + self.queries > there:
            raise ConfigurationError(
                f"{self.shots} shots and {self.queries} queries need {self.shots + self.queries} demonstrations of "
                f"each goal; the {self.split} split of {self.plan.task!r} has {there}. Use fewer, or collect more with "
                f"Demonstrations(..., demonstrations={self.shots + self.queries})."
            )
        object.__setattr__(self, "numbers", self.numbers or tuple(range(len(self.data.goals))))
        x = F.pad(self.normalisation(self.data.observations), (0, 0, 0, 1))
        object.__setattr__(self, "_x", x * self._mask(self.data.lengths)[..., None])
        object.__setattr__(self, "_y", F.pad(self.data.actions, (0, 0, 0, 1)))

    @property
    def rows(self) -> int:
        """H, the rows that each demonstration takes in a support or query set."""
        return self.data.observations.shape[2] + 1

    @property
    def goals(self) -> Array:
        """`(G, 3)` the hidden goals: for rollouts, never for the policy."""
        return self.data.goals

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        goals = self.goal_of(indices)[:, None]
        slots = torch.arange(self.data.lengths.shape[1])
        score = bits(self.keys(indices)[:, None], 1, slots)
        demos = score.topk(self.shots + self.queries, dim=1).indices
        return Task(
            support=self._examples(goals, demos[:, : self.shots]),
            query=self._examples(goals, demos[:, self.shots :]),
            index=indices,
        )

    def goal_of(self, indices: Tensor) -> Tensor:
        """Which goals the tasks numbered `indices` have: all of them once, in an order drawn for each round."""
        count = len(self.data.goals)
        rounds = fold(self.seed, SPLITS.index(self.split), 2, indices // count)
        order = bits(rounds[:, None], torch.arange(count)).argsort(dim=1)
        return order.gather(1, (indices % count)[:, None])[:, 0]

    def with_(self, *, tasks: int | None = None, **changes: Any) -> Self:
        """The same split in another shape; with `tasks`, on some of its goals, nested for one seed.

        Raises:
            ConfigurationError: if a name is not a setting of this source, or there are not so many goals.
        """
        changed = super().with_(**changes)
        if tasks is None:
            return changed
        demand_some(tasks, len(self.data.goals), "goals", f"The {self.split} split of {self.plan.task!r}")
        chosen = sorted(shuffled([str(number) for number in self.numbers], changed.seed)[:tasks])
        data = changed.data.some(chosen)
        return replace(changed, data=data, numbers=tuple(self.numbers[i] for i in chosen))

    def supply(self) -> Supply:
        """The goals and the steps that were demonstrated."""
        return Supply("tasks", len(self.data.goals), int(self.data.lengths.sum()))

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks, how the demonstrations were made, and which goals they have."""
        made = ("demonstrations", "noise", "vary_start", "after", "limit")
        return {
            "name": self.plan.task, "split": self.split, "shots": self.shots, "queries": self.queries,
            "seed": self.seed, "ways": None, "features": len(OBSERVED), "distinct": len(self.data.goals),
            "rows": self.rows, **{name: getattr(self.plan, name) for name in made}, "goals_seed": self.plan.seed,
            "goals": self.data.goal_hash,
        }  # fmt: skip

    def flat(self, size: int = 128) -> FlatTable:
        """Batches of `size` steps over all demonstrations of this split, for a policy of all goals at once."""
        seen = self._mask(self.data.lengths)
        counts, names = self.data.lengths.sum(1).tolist(), [str(number) for number in self.numbers]
        table = TableData(self._x[seen], self._y[seen], counts, names)
        return FlatTable(table, size=size, seed=self.seed, split=self.split, name=self.plan.task)

    def _mask(self, lengths: Tensor) -> Tensor:
        return torch.arange(self.rows) < lengths[..., None]

    def _examples(self, goals: Tensor, demos: Tensor) -> Examples:
        x, y, mask = self._x[goals, demos], self._y[goals, demos], self._mask(self.data.lengths[goals, demos])
        return Examples(x.flatten(1, 2), y.flatten(1, 2), mask.flatten(1, 2))
