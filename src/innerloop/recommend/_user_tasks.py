"""A user is a task: the first few events are the support set, later ones the query set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from innerloop.counter import uniform
from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, joined
from innerloop.recommend._features import Features
from innerloop.recommend._rows import Rows, Scale, bucket, drawn, spread
from innerloop.recommend._traces import Traces
from innerloop.sources._base import Supply, TaskSource
from innerloop.task import Task

_USER, _SHOTS, _START, _QUERY = range(4)


@dataclass(frozen=True, eq=False)
class UserTasks(TaskSource):
    """Tasks of the training users: `shots` consecutive events, and events that came later.

    x is a tree of numbers of items, `item` and `id` `(N, C)` (see `Tower`), with `codes` and `numbers` of the user's
    features where there are any. y is the rating `(N, 1)`; without a `scale` each event stands in front of C - 1 items,
    and y, the place of the event among them, is 0: those of a support event are none of the support set's, those of a
    query event none that the user ever met. All is padded and masked. A batch is as
    wide as the bucket of its longest support set (see `bucket`), which changes no number.

    Args:
        events: of the training users; users with one event have nothing to predict and are left out.
        known: `(items,)` which items may be known by their number.
        scale: how ratings become targets; None: rank events before negatives.
        shots: support events, or (fewest, most), drawn in each task.
        queries: query events, spread evenly over all that came after the support set.
        cut: where the support set starts: with a user's "first" event, or at a "random" one.
        negatives: for each event in a ranking.
        hide: share of items whose identity a task hides, so that features learn to stand for it.
        user_features: one row for each user.
        own: all events of the users, for the negatives; None: `events`.
        traces: what the users put into the start of training, to be taken out of their tasks; None: nothing.
        seed: another seed gives other tasks.
        split: "train", "validation" or "test".

    Raises:
        ConfigurationError: for numbers that make no sense.
        DataError: if no user has two events.

    >>> events = Events.of([0, 0, 0, 1], [2, 1, 0, 1], [4.0, 3.0, 5.0, 1.0], users=2, items=3)
    >>> source = UserTasks(events, torch.ones(3, dtype=torch.bool), Scale(3.0, 1.0), shots=2, queries=1)
    >>> task = source[0]  # user 1 has nothing to predict
    >>> task.support.x["item"].flatten().tolist(), task.query.y.tolist()
    ([2, 1], [[2.0]])
    """

    events: Events
    known: Tensor
    scale: Scale | None = None
    shots: int | tuple[int, int] = (1, 20)
    queries: int = 20
    cut: Literal["first", "random"] = "first"
    negatives: int = 50
    hide: float = 0.0
    user_features: Features | None = None
    own: Events | None = None
    traces: Traces | None = None
    seed: int = 0
    split: str = "train"
    _users: Tensor = field(init=False, repr=False)
    _rows: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = self._range
        at_least("shots", low, 1)
        for name in ("queries", "negatives"):
            at_least(name, getattr(self, name), 1)
        if high < low or self.cut not in ("first", "random") or not 0 <= self.hide < 1:
            raise ConfigurationError(
                f"shots= is a number or (fewest, most), cut= is first or random, hide= from 0 to below 1; got "
                f"shots={self.shots}, cut={self.cut!r}, hide={self.hide}."
            )
        users = np.flatnonzero(self.events.counts > 1)
        if not len(users):
            raise DataError("No user has two events: there is nothing to learn from and to predict. Use more events.")
        rows = Rows(
            self.events, self.known, self.scale, negatives=self.negatives, own=self.own,
            user_features=self.user_features, traces=self.traces, seed=self.seed,
        )  # fmt: skip
        object.__setattr__(self, "_users", torch.from_numpy(users))
        object.__setattr__(self, "_rows", rows)

    @property
    def _range(self) -> tuple[int, int]:
        return self.shots if isinstance(self.shots, tuple) else (self.shots, self.shots)

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        rows, eligible = self._rows, self._users
        keys = self.keys(indices)
        user = eligible[drawn(keys, _USER, len(eligible))]
        count = rows.counts[user]
        low, high = self._range
        shots = torch.minimum(low + drawn(keys, _SHOTS, high - low + 1), count - 1)
        start = drawn(keys, _START, count - shots) if self.cut == "random" else torch.zeros_like(count)
        place = torch.arange(bucket(int(shots.max())))
        mask = place < shots[:, None]
        first = rows.first[user] + start
        at, there = spread(count - start - shots, self.queries, uniform(keys, _QUERY))
        support = rows.examples(user, first[:, None] + place, mask, hide=self.hide, keys=keys)
        later = (first + shots)[:, None] + at
        query = rows.examples(user, later, there, query=True, hide=self.hide, keys=keys)
        return Task(support, query, indices)

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks."""
        low, high = self._range
        return {
            "name": "ratings" if self.scale is not None else "rankings",
            "split": self.split,
            "users": len(self._users),
            "shots": low if low == high else f"{low} to {high}",
            "queries": self.queries,
            "cut": self.cut,
            "seed": self.seed,
        }

    def supply(self) -> Supply:
        """The training users, and how many events they have."""
        return Supply("tasks", len(self._users), int(self._rows.counts[self._users].sum()))


class CaseTasks:
    """Cases as tasks: task `i` is the `i`-th judged user. Those without a support event have an empty support set.

    Args:
        cases: support and query of the users.
        known: `(items,)` which items may be known by their number.
        scale: how ratings become targets; None: rank events before negatives.
        queries: at most so many query events of a user, spread evenly; None: all.
        negatives: for each event in a ranking, by the rule of `UserTasks`; what a user is known to have met is what is
            in their support, query and `Cases.seen`.
        user_features: one row for each user.
        users: whose tasks, in this order; None: those with a query event.
        seed: of the negatives.

    >>> support = Events.of([0, 1], [0, 1], [3.0, 4.0], users=2, items=3)
    >>> query = Events.of([0, 0, 1], [1, 2, 2], [1.0, 2.0, 3.0], users=2, items=3)
    >>> tasks = CaseTasks(Cases(support, query), torch.ones(3, dtype=torch.bool), Scale()).batch(torch.arange(2))
    >>> tasks.query.mask.tolist()
    [[True, True], [True, False]]
    """

    def __init__(
        self, cases: Cases, known: Tensor, scale: Scale | None = None, *, queries: int | None = None,
        negatives: int = 50, user_features: Features | None = None, users: Any = None, seed: int = 0,
    ):  # fmt: skip
        self.users = torch.from_numpy(np.asarray(cases.users if users is None else users, np.int64))
        settings: Any = {"negatives": negatives, "user_features": user_features, "seed": seed}
        self.support = Rows(cases.support, known, scale, **settings)
        self.query = Rows(cases.query, known, scale, own=joined(cases.support, cases.query, cases.seen), **settings)
        self.queries, self.scale = queries, scale

    def __len__(self) -> int:
        return len(self.users)

    def batch(self, indices: Tensor) -> Task:
        """The tasks of the users number `indices`."""
        user = self.users[indices]
        support, asked = self.support.counts[user], self.query.counts[user]
        place = torch.arange(bucket(int(support.max())))
        most = bucket(int(asked.max()))
        width = most if self.queries is None else min(most, self.queries)
        at, there = spread(asked, width, torch.full(user.shape, 0.5))
        return Task(
            self.support.examples(user, self.support.first[user][:, None] + place, place < support[:, None]),
            self.query.examples(user, self.query.first[user][:, None] + at, there, query=True),
            indices,
        )

    def describe(self) -> dict[str, Any]:
        """Name and number of users."""
        return {"name": "cases", "users": len(self), "queries": self.queries}
