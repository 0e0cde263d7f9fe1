"""A case is a user to be judged on: what the system may see of them, and what it must predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError
from innerloop.recommend._events import Events, Whole


@dataclass(frozen=True, eq=False)
class Cases:
    """Users whose support events are known and whose query events are to be predicted.

    Args:
        support: what the system may see of these users.
        query: what it must predict; every user in it has a case.
        seen: what else these users are known to have done, without being support: their items are not recommended, as
            those of the support set are not. None: nothing.

    Raises:
        DataError: if a query event is in one of the others, or they speak of different users or items.
    """

    support: Events
    query: Events
    seen: Events | None = None

    def __post_init__(self) -> None:
        for name, part in (("support set", self.support), ("seen events", self.seen)):
            if part is None:
                continue
            here, there = ((each.users, each.items) for each in (part, self.query))
            if here != there:
                raise DataError(f"The {name} and query have different numbers of users and items: {here} and {there}.")
            if shared := int(_members(self.query, part).sum()):
                raise DataError(f"{shared} query events are in the {name} too: same user and item.")

    def __repr__(self) -> str:
        return f"Cases({len(self.users):,} users, {len(self.support):,} support and {len(self.query):,} query events)"

    @property
    def users(self) -> Whole:
        """The users that are judged: those with a query event, ascending."""
        return np.unique(self.query.user)


class Split(NamedTuple):
    """Events in three parts that share nothing a model could cheat with.

    Attributes:
        train: events that models are fitted to.
        validation: cases to choose settings on.
        test: cases to report, looked at once.
    """

    train: Events
    validation: Cases
    test: Cases


def _members(events: Events, others: Events) -> NDArray[np.bool_]:
    """Which events have a user and item that occur together in `others`."""
    pairs, known = (part.user * part.items + part.item for part in (events, others))
    return np.isin(pairs, known)
