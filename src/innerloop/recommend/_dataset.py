"""Events with what is known of items and users: what is read from a table, or simulated."""

from __future__ import annotations

from dataclasses import dataclass

from innerloop.errors import DataError
from innerloop.recommend._events import Events
from innerloop.recommend._features import Features


@dataclass(frozen=True, eq=False)
class Dataset:
    """A whole table.

    Args:
        events: who did what to which item, when.
        item_features: one row for each item.
        user_features: one row for each user.

    Raises:
        DataError: if features have another number of rows than there are items or users.
    """

    events: Events
    item_features: Features
    user_features: Features

    def __post_init__(self) -> None:
        for name, features, expected in (
            ("item", self.item_features, self.events.items), ("user", self.user_features, self.events.users),
        ):  # fmt: skip
            if features.rows != expected:
                raise DataError(f"There are {expected} {name}s, but {features.rows} rows of {name} features.")
