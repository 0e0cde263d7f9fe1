"""One user's events from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from innerloop.errors import DataError, closest
from innerloop.recommend import Features, Schema
from innerloop.recommend._measures import seconds

_ROLES = {"item": "item", "rating": "value", "time": "time"}
"""The role of each column, by which a schema knows it."""


def read_events(
    path: Path, names: list[str], *, rated: bool, roles: Mapping[str, str | None] | None = None
) -> tuple[list[int], list[float] | None]:  # fmt: skip
    """Numbers of the items in the order of time, and their ratings (None where none were learned).

    Args:
        path: a CSV file with the columns item, rating (if `rated`) and, if need be, time.
        names: of the items that the model knows.
        rated: whether ratings are wanted.
        roles: what the columns item, value and time are called in the table of the training; here they may be as well.

    Raises:
        DataError: naming the line and the remedy.
    """
    numbers = {name: number for number, name in enumerate(names)}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"Could not read {path}: {error}. Check the file.") from error
    header = list(rows[0]) if rows else []
    own = {name: (roles or {}).get(role) for name, role in _ROLES.items()}
    columns = {name: str(column) if column in header else name for name, column in own.items()}
    wanted = ["item", *(["rating"] if rated else [])]
    for name in wanted:
        if rows and columns[name] not in header:
            also = f" or {own[name]!r}" if own[name] not in (None, name) else ""
            raise DataError(
                f"{path} has no column {name!r}{also}; it needs {', '.join(wanted)}. Name it in the first line."
            )
    found: dict[int, tuple[float, float]] = {}
    for line, row in enumerate(rows, 2):
        name = (row[columns["item"]] or "").strip()
        if name not in numbers:
            raise DataError(
                f"{path}, line {line}: the model knows no item {name!r}. Leave the line out.{closest(name, names)}"
            )
        if numbers[name] in found:
            raise DataError(f"{path}, line {line}: a second event with item {name!r}. Keep the latest one.")
        value = _number(path, line, "rating", row[columns["rating"]]) if rated else 1.0
        time = _time(path, line, row[columns["time"]]) if columns["time"] in row else float(line)
        found[numbers[name]] = (time, value)
    items = sorted(found, key=lambda item: found[item][0])
    return items, [found[item][1] for item in items] if rated else None


def _time(path: Path, line: int, text: str | None) -> float:
    try:
        return _number(path, line, "time", text, " or a date as 2024-05-31")
    except DataError:
        found = seconds(text)
        if math.isnan(found):
            raise
        return found


def _number(path: Path, line: int, column: str, text: str | None, more: str = "") -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(
            f"{path}, line {line}: {column} must be a number{more}; got {text!r}. Correct it, or leave it out."
        )
    return value


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
