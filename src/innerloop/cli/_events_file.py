"""One user's events from a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from innerloop.errors import DataError, closest
from innerloop.recommend import Events, Features, Roles, Schema, read_table, text_file
from innerloop.recommend._cells import Cells, Chunk

_USER = "the user of the file"
"""The column that every row has the same cell in."""


def schema_of(said: Any, items: int, *, rated: bool) -> Schema:
    """The schema that a model was saved with; one of numbered items where it learned from no table.

    Args:
        said: what `Schema.to_json` gave, or None.
        items: how many the model knows.
        rated: whether it learned ratings; without a table, of any size.
    """
    if said is not None:
        schema = Schema.from_json(said)
        return schema if rated else replace(schema, range=None)
    any_rating = (-np.inf, np.inf) if rated else None
    return Schema(Roles("user", "item", "rating", "time"), tuple(map(str, range(items))), range=any_rating)


def read_events(path: Path, schema: Schema) -> Events:
    """One user's events, in the order of time: those of `read_table`, of the latest event with each item.

    Args:
        path: a text file with a column for the item, for the rating where the schema has ratings and, if need be, for
            the time. They are called as in the table of the training, or item, rating and time.
        schema: of the training; without `range` no ratings are read.

    Raises:
        DataError: naming the line and the remedy.
    """
    table = text_file(path, least=1)
    rated = schema.range is not None
    known = {"item": schema.roles.item, "rating": schema.roles.value, "time": schema.roles.time}
    # by the name that the training's table had for it, or by its own
    found = {
        said: next((name for name in (own, said) if name in table.header), None) for said, own in known.items()
    }  # fmt: skip
    for said in ("item", *(["rating"] if rated else [])):
        if found[said] is None:
            also = f" or {known[said]!r}" if known[said] not in (None, said) else ""
            raise DataError(
                f"{table.name} has no column {said!r}{also}; it has {', '.join(map(repr, table.header))}. Name it in "
                "the first line."
            )
    if next(table.chunks(), None) is None:  # somebody new
        return Events.of([], [], users=1, items=len(schema.items), explicit=rated)
    roles = Roles(_USER, str(found["item"]), found["rating"] if rated else None, found["time"])
    own = replace(schema, roles=roles, item_features=(), user_features=(), titles=None)
    return read_table(_of_one_user(table), schema=own, features=False, duplicates="last").events


def _of_one_user(table: Cells) -> Cells:
    def chunks() -> Iterator[Chunk]:
        for chunk in table.chunks():
            yield Chunk(chunk.lines, {**chunk.columns, _USER: ["me"] * len(chunk.lines)})

    return Cells(table.name, table.unit, (*table.header, _USER), chunks)


def features_of(said: Sequence[str], schema: Schema) -> Features | None:
    """One row of features of a user from `column=value`, of which any may be missing; None if the schema has none.

    Raises:
        DataError: for a column that the schema does not have, or a value that is none.
    """
    if not schema.user_features:
        return None
    known = [feature.column for feature in schema.user_features]
    values: dict[str, str] = {}
    for pair in said:
        column, equals, value = pair.partition("=")
        if not equals or column not in known:
            raise DataError(
                f"--about takes column=value with a column of {', '.join(known)}; got {pair!r}.{closest(column, known)}"
            )
        values[column] = value
    row = np.zeros(1, np.int64)
    return Features(
        {feature.column: feature.encode([values.get(feature.column)], row) for feature in schema.user_features}, 1
    )
