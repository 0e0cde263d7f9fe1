"""What a table's columns mean, and the numbers of its items and categories: saved with a model, checked on new data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from innerloop.errors import CheckpointError, DataError, InnerloopError, closest
from innerloop.files import read_json, write_json
from innerloop.recommend._events import Whole
from innerloop.recommend._feature import Feature, Kind
from innerloop.recommend._roles import Roles

VERSION = 1
"""Of the JSON."""


@dataclass(frozen=True)
class Schema:
    """What a table's columns mean.

    Users are no part of it: a model serves users that it has never seen, from their events, and need not carry the
    names of those that it was trained on; each `Table` numbers its own.

    Args:
        roles: the columns that are user, item, value, time and title.
        items: names of the items; item `i` is `items[i]`.
        item_features: what is known of items, by name of the column.
        user_features: what is known of users, by name of the column.
        range: lowest and highest rating there was; None for implicit events.
        titles: what people call the items, one for each, "" where that is missing; None: there are no titles.

    Raises:
        DataError: if an item has two numbers, or titles are missing.

    >>> schema = Schema(Roles("user", "film", "stars"), items=("Alien", "Big"), range=(1.0, 5.0))
    >>> schema.numbers(["Big", "Alien"]).tolist()
    [1, 0]
    >>> Schema.from_json(schema.to_json()) == schema
    True
    >>> schema.extended(["Cube", "Big"]).items
    ('Alien', 'Big', 'Cube')
    """

    roles: Roles
    items: tuple[str, ...] = field(repr=False)  # there may be a million
    item_features: tuple[Feature, ...] = ()
    user_features: tuple[Feature, ...] = ()
    range: tuple[float, float] | None = None
    titles: tuple[str, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(set(self.items)) < len(self.items):
            raise DataError("A schema has an item twice; expected different names. Leave one of them out.")
        if self.titles is not None and len(self.titles) != len(self.items):
            raise DataError(f"A schema has {len(self.items)} items and {len(self.titles)} titles; expected as many.")

    @classmethod
    def infer(
        cls, table: object, *, items: object = None, users: object = None,
        roles: Mapping[str, str | None] | None = None, kinds: Mapping[str, Kind] | None = None,
    ) -> Schema:  # fmt: skip
        """The schema of a table; arguments and rules are those of `read_table`, which returns it with the data.

        Raises:
            DataError: if the table cannot be read.

        >>> table = {"userId": [7, 7, 9], "movieId": [1, 2, 1], "rating": [4, 2, 5], "genre": ["war", "art", "war"]}
        >>> schema = Schema.infer(table)
        >>> schema.roles.value, schema.items, schema.item_features[0].names
        ('rating', ('1', '2'), ('art', 'war'))
        """
        from innerloop.recommend._read import read_table

        return read_table(table, items=items, users=users, roles=roles, kinds=kinds).schema

    def __repr__(self) -> str:
        sides = {"item": self.item_features, "user": self.user_features}
        said = [
            f"{side} features {', '.join(repr(each.column) for each in features)}"
            for side, features in sides.items() if features
        ]  # fmt: skip
        if self.range is not None:
            said.append(f"ratings from {self.range[0]:g} to {self.range[1]:g}")
        return f"Schema({', '.join([repr(self.roles), f'{len(self.items):,} items', *said])})"

    @cached_property
    def places(self) -> dict[str, int]:
        """The number of each item."""
        return {name: number for number, name in enumerate(self.items)}

    def numbers(self, names: Iterable[object]) -> Whole:
        """`(N,)` the numbers of items by name.

        Raises:
            DataError: if one is unknown.
        """
        listed = [str(name) for name in names]
        for name in listed:
            if name not in self.places:
                raise DataError(
                    f"There is no item {name!r} among the {len(self.items)} of the schema; `extended` adds items."
                    f"{closest(name, self.items[:10_000])}"
                )
        return np.array([self.places[name] for name in listed], np.int64)

    def extended(self, names: Sequence[str], titles: Sequence[str] | None = None) -> Schema:
        """The schema with more items: they get the next numbers, and those that are known keep theirs.

        A model that knows items by their number alone knows nothing of them; one that knows items by their features
        serves them through these.

        Args:
            names: of items; known ones among them change nothing.
            titles: of these items; left out: "".
        """
        said = dict(zip(names, titles or [""] * len(names), strict=True))
        new = {name: title for name, title in said.items() if name not in self.places}
        return dataclasses.replace(
            self,
            items=(*self.items, *new),
            titles=None if self.titles is None else (*self.titles, *new.values()),
        )

    def to_json(self) -> dict[str, Any]:
        """The schema as plain values."""
        return {"schema": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, value: Any) -> Schema:
        """The schema that `to_json` gave.

        Raises:
            CheckpointError: if it is none.
        """
        try:
            if value["schema"] != VERSION:
                raise ValueError(f"version {value['schema']!r}")
            return cls(
                Roles(**value["roles"]),
                _texts(value["items"]),
                _features(value["item_features"]),
                _features(value["user_features"]),
                None if value["range"] is None else (float(value["range"][0]), float(value["range"][1])),
                None if value["titles"] is None else _texts(value["titles"]),
            )
        except (KeyError, TypeError, ValueError, IndexError, InnerloopError) as error:
            raise CheckpointError(
                f"This is no schema of version {VERSION}: {type(error).__name__} {error}. Infer it again."
            ) from error

    def save(self, path: str | Path) -> None:
        """Writes the schema as JSON, whole or not at all."""
        write_json(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Reads what `save` wrote.

        Raises:
            CheckpointError: if the file is missing or damaged.
        """
        return cls.from_json(read_json(Path(path)))


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise TypeError("expected a list of texts")
    return tuple(values)


def _features(values: Any) -> tuple[Feature, ...]:
    features = tuple(Feature(**{**value, "names": _texts(value["names"])}) for value in values)
    for feature in features:
        if feature.kind not in ("category", "number") or not (
            math.isfinite(feature.mean) and 0 < feature.deviation < math.inf
        ):
            raise ValueError(f"feature {feature.column!r}")
    return features
