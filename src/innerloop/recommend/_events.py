"""Who did what to which item, when: the events that every part of recommendation works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError

Whole = NDArray[np.int64]
Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Events:
    """One row per event, sorted by user, then by time; events at the same time keep the order they came in.

    Users and items are numbers; what they stand for is in the table's `Schema`.

    Args:
        user: `(N,)` number of the user, 0..users-1.
        item: `(N,)` number of the item, 0..items-1.
        value: `(N,)` the rating; 1 for an implicit event.
        time: `(N,)` when; any unit, only the order counts.
        users: how many users there are, those without an event among them.
        items: how many items there are, those without an event among them.
        explicit: whether values are ratings.

    Raises:
        DataError: if columns differ in length, a number is out of range, or a value is not finite.

    >>> events = Events.of(user=[1, 0, 1], item=[2, 2, 0], value=[4.0, 3.0, 5.0], time=[9, 1, 2], users=2, items=3)
    >>> events.item.tolist(), events.history(1).value.tolist()
    ([2, 0, 2], [5.0, 4.0])
    >>> events
    Events(3 ratings, 2 users, 3 items)
    """

    user: Whole
    item: Whole
    value: Real
    time: Real
    users: int
    items: int
    explicit: bool = True

    @classmethod
    def of(
        cls, user: object, item: object, value: object = None, time: object = None, *, users: int, items: int,
        explicit: bool | None = None,
    ) -> Events:  # fmt: skip
        """Events from columns in any order.

        Args:
            user: numbers of the users.
            item: numbers of the items.
            value: ratings; None: the events are implicit.
            time: when; None: in the order they are given.
            users: how many users there are.
            items: how many items there are.
            explicit: whether values are ratings; None: they are if there are any.
        """
        who, what = np.asarray(user, np.int64), np.asarray(item, np.int64)
        values = np.ones(len(who)) if value is None else np.asarray(value, np.float64)
        times = np.arange(len(who), dtype=np.float64) if time is None else np.asarray(time, np.float64)
        lengths = {"user": len(who), "item": len(what), "value": len(values), "time": len(times)}
        if len(set(lengths.values())) > 1:
            raise DataError(f"Every column of events needs the same number of rows; got {lengths}.")
        for name, numbers, count in (("user", who, users), ("item", what, items)):
            if len(numbers) and not 0 <= numbers.min() <= numbers.max() < count:
                raise DataError(
                    f"Numbers of {name}s must be from 0 to {count - 1}; got {numbers.min()} to {numbers.max()}."
                )
        for name, column in (("value", values), ("time", times)):
            if not np.isfinite(column).all():
                raise DataError(f"Event {int(np.argmin(np.isfinite(column)))} has no finite {name}; leave it out.")
        order = np.lexsort((times, who))
        return cls(
            who[order], what[order], values[order], times[order], users, items,
            value is not None if explicit is None else explicit,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.user)

    def __repr__(self) -> str:
        what = "ratings" if self.explicit else "events"
        return f"Events({len(self):,} {what}, {self.users:,} users, {self.items:,} items)"

    @property
    def starts(self) -> Whole:
        """`(users + 1,)`: the events of user `u` are the rows from `starts[u]` to `starts[u + 1]`."""
        return np.searchsorted(self.user, np.arange(self.users + 1)).astype(np.int64)

    @property
    def counts(self) -> Whole:
        """`(users,)` number of events of each user."""
        return np.diff(self.starts)

    def where(self, rows: NDArray[np.bool_]) -> Events:
        """The events whose row is True, in the same order."""
        return replace(self, user=self.user[rows], item=self.item[rows], value=self.value[rows], time=self.time[rows])

    def liked(self, least: float | None) -> Events:
        """The events with a rating of at least `least`; all for None, or where events are implicit.

        >>> Events.of([0, 0], [0, 1], [2.0, 4.0], users=1, items=2).liked(4.0).item.tolist()
        [1]
        """
        return self if least is None or not self.explicit else self.where(self.value >= least)

    def of_users(self, users: Whole) -> Events:
        """The events of some users, whose numbers stay as they are."""
        kept = np.zeros(self.users, bool)
        kept[users] = True
        return self.where(kept[self.user])

    def history(self, user: int) -> Events:
        """One user's events in the order of time."""
        first, end = np.searchsorted(self.user, [user, user + 1])
        rows = slice(first, end)
        return replace(self, user=self.user[rows], item=self.item[rows], value=self.value[rows], time=self.time[rows])


def joined(*parts: Events | None) -> Events:
    """All events of several parts, of which None has none.

    Args:
        parts: of the same users and items; the first one says how many there are.

    >>> joined(Events.of([1], [0], users=2, items=2), None, Events.of([0], [1], users=2, items=2)).user.tolist()
    [0, 1]
    """
    some = [part for part in parts if part is not None]
    columns = (np.concatenate([getattr(part, name) for part in some]) for name in ("user", "item", "value", "time"))
    return Events.of(*columns, users=some[0].users, items=some[0].items, explicit=some[0].explicit)
