"""Ratings and times of rows, and what becomes of an item that one user rates twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._cells import Cell, Cells, Chunk, number, numbers
from innerloop.recommend._events import Real, Whole
from innerloop.recommend._roles import Roles

Duplicates = Literal["refuse", "first", "last"]
"""What to do with several events of one user and one item."""


class Measures:
    """Reads ratings and times. Whether times are numbers or ISO 8601 is decided by the first one.

    Args:
        table: where rows are from.
        roles: which columns they are.
        range: lowest and highest rating that is expected; None: any.
    """

    def __init__(self, table: Cells, roles: Roles, range: tuple[float, float] | None = None):
        self.table, self.roles, self.range = table, roles, range
        self._calendar: bool | None = None
        self._rows = 0

    def read(self, chunk: Chunk) -> tuple[Real, Real]:
        """Values (1 for implicit events) and times (without a column for them, numbers of rows).

        Raises:
            DataError: if a cell is none, or a rating is out of range; it names the row.
        """
        count = len(chunk.lines)
        value = np.ones(count) if self.roles.value is None else self._values(chunk, self.roles.value)
        first, self._rows = self._rows, self._rows + count
        if self.roles.time is None:
            return value, np.arange(first, first + count, dtype=np.float64)
        return value, self._times(chunk, self.roles.time)

    def _values(self, chunk: Chunk, column: str) -> Real:
        values = numbers(self.table, chunk, column, "a rating")
        if self.range is not None:
            wrong = (values < self.range[0]) | (values > self.range[1])
            if wrong.any():
                row = int(np.argmax(wrong))
                self.table.refuse(
                    chunk.lines[row], column, f"a rating from {self.range[0]:g} to {self.range[1]:g}, as in the schema",
                    chunk.columns[column][row], "Bring the ratings to the schema's scale, or infer another schema.",
                )  # fmt: skip
        return values

    def _times(self, chunk: Chunk, column: str) -> Real:
        cells = chunk.columns[column]
        if self._calendar is None:
            self._calendar = bool(np.isnan(number(cells[0])))
        if not self._calendar:
            return numbers(self.table, chunk, column, "a time, as in the first row")
        found = np.fromiter(map(seconds, cells), np.float64, len(cells))
        if np.isnan(found).any():
            row = int(np.argmax(np.isnan(found)))
            self.table.refuse(
                chunk.lines[row], column, "a number, or a time as 2024-05-31 or 2024-05-31T18:30:00", cells[row],
                "Write all times of the column in one of these ways, or say roles={'time': None} if rows are in order.",
            )  # fmt: skip
        return found


def seconds(cell: Cell) -> float:
    """A date or time, or its ISO 8601 text, in seconds since 1970; without a zone it is UTC. NaN if it is none.

    >>> seconds("1970-01-02"), seconds("1970-01-01 01:00:00+01:00"), seconds("yesterday")
    (86400.0, 0.0, nan)
    """
    try:
        if isinstance(cell, date) and not isinstance(cell, datetime):
            cell = datetime.combine(cell, time())
        at = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def single(
    user: Whole, item: Whole, at: Real, lines: Whole, duplicates: Duplicates, table: Cells, names: tuple[str, str]
) -> NDArray[np.bool_]:
    """Which events stay, so that each user has one event with each item.

    Args:
        user: `(N,)` who.
        item: `(N,)` what.
        at: `(N,)` when; of events at the same time the later row is later.
        lines: `(N,)` the row of each event, for the error.
        duplicates: "refuse" them, or keep the "first" or the "last" by time.
        table: where they are from.
        names: of the columns of users and items.

    Raises:
        DataError: if there are several and they are refused; it names two rows.
        ConfigurationError: if `duplicates` is none of its three words.
    """
    if duplicates not in get_args(Duplicates):
        raise ConfigurationError(f"duplicates must be one of {', '.join(get_args(Duplicates))}; got {duplicates!r}.")
    kept = np.ones(len(user), bool)
    by_pair = np.lexsort((lines if duplicates == "refuse" else at, item, user))
    same = (np.diff(user[by_pair]) == 0) & (np.diff(item[by_pair]) == 0)
    earlier, later = by_pair[:-1][same], by_pair[1:][same]
    if duplicates == "refuse" and len(later):
        first = int(np.argmin(lines[later]))
        rows = lines[earlier[first]], lines[later[first]]
        raise DataError(
            f"{table.name}, {table.unit} {rows[1]}: the same {names[0]!r} and {names[1]!r} as in {table.unit} "
            f"{rows[0]} ({len(later)} such rows in all); expected one event of a user with an item. Remove one, "
            "or say duplicates='last' (or 'first')."
        )
    kept[later if duplicates == "first" else earlier] = False
    return kept
