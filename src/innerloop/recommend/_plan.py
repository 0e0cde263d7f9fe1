"""Which columns are read from which table, and what they may be."""

from __future__ import annotations

import dataclasses

from innerloop.errors import ConfigurationError, DataError, closest
from innerloop.recommend._attribute import Side
from innerloop.recommend._cells import Cells
from innerloop.recommend._feature import Feature, Kind, Several
from innerloop.recommend._roles import Roles, key_of
from innerloop.recommend._schema import Schema


class Plan:
    """Which columns are read from which table.

    Args:
        source: the events.
        items: a table of items, if there is one.
        users: a table of users, if there is one.
        roles: the columns with a role.
        schema: what columns mean, if that is known.
        kinds: what single columns are, if there is no schema.
        features: whether features are read at all.

    Raises:
        ConfigurationError: if `kinds` names a column that there is not, or a kind that there is not.
        DataError: if a table of items (users) has no column that names them.
    """

    def __init__(
        self, source: Cells, items: Cells | None, users: Cells | None, roles: Roles, schema: Schema | None,
        kinds: dict[str, Kind], features: bool,
    ):  # fmt: skip
        self.source, self.roles, self.schema, self.kinds, self.features = source, roles, schema, kinds, features
        self.parts: dict[Side, Cells] = {}
        if items is not None:
            self.parts["item"] = items
        if users is not None:
            self.parts["user"] = users
        columns: dict[Side, str] = {"item": roles.item, "user": roles.user}
        self.keys: dict[Side, str] = {}
        for side, part in self.parts.items():
            self.keys[side] = key_of(part, columns[side], side)
        everywhere = [name for part in (source, *self.parts.values()) for name in part.header]
        for name, kind in kinds.items():
            if kind not in ("category", "number", "ignore") and not (isinstance(kind, Several) and kind.separator):
                raise ConfigurationError(
                    f"kinds[{name!r}] must be 'category', 'number', 'ignore' or Several('|'); got {kind!r}."
                )
            if name not in everywhere:
                raise ConfigurationError(
                    f"kinds names a column {name!r}; there are {', '.join(map(repr, everywhere))}."
                    f"{closest(name, everywhere)}"
                )
        self._of: dict[Side, tuple[Feature, ...]] = (
            {} if schema is None else {"item": schema.item_features, "user": schema.user_features}
        )

    def columns(self, side: Side) -> list[str]:
        """The columns that are read from the table of a side, the title among them."""
        header = self.parts[side].header
        title = [self.roles.title] if side == "item" and self.roles.title in header else []
        return [*filter(None, title), *(name for name in self._wanted(side, header) if name not in title)]

    def loose(self) -> dict[str, tuple[Side, ...]]:
        """The columns that are read from the table of events beside roles, and what they may be features of.

        Raises:
            DataError: if a feature of the schema is in no table.
        """
        used = {column for column in dataclasses.asdict(self.roles).values() if column is not None}
        elsewhere = {name for side in self.parts for name in self.columns(side)}
        found: dict[str, tuple[Side, ...]] = {}
        if self.roles.title in self.source.header and self.roles.title not in elsewhere:
            found[str(self.roles.title)] = ("item",)
        if self.schema is None:
            both: tuple[Side, ...] = ("item", "user")
            names = (name for name in self.source.header if name not in used | elsewhere)
            return found | {name: both for name in names if self.features and self.kinds.get(name) != "ignore"}
        for side, of_side in self._of.items() if self.features else ():
            for feature in of_side:
                if feature.column in elsewhere:
                    continue
                if feature.column not in self.source.header:
                    raise DataError(
                        f"{self.source.name} has no column {feature.column!r}, which the schema has as a feature of "
                        f"{side}s. Give a table that has it with {side}s=..., or say features=False."
                    )
                found[feature.column] = (side,)
        return found

    def _wanted(self, side: Side, header: tuple[str, ...]) -> list[str]:
        if not self.features:
            return []
        if self.schema is not None:
            return [feature.column for feature in self._of[side] if feature.column in header]
        return [name for name in header if name != self.keys[side] and self.kinds.get(name) != "ignore"]
