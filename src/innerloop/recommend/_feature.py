"""One feature of items or users: how its cells become codes or numbers, learned from one table, used on others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError
from innerloop.recommend._cells import Cell, number
from innerloop.recommend._features import Column
from innerloop.recommend._numbering import ordered, text
from innerloop.sources._scaling import LIMIT

SEPARATOR = "|"
"""What is looked for between several categories in a cell."""
WIDEST = 64
"""Categories that one cell may have: a column is as wide as its widest cell."""
NUMERIC = 0.9
"""A column of whose different cells this share are numbers is a column of numbers, and the others are mistakes."""


class Several(NamedTuple):
    """A kind of feature: several categories in a cell, with a separator between them."""

    separator: str = SEPARATOR


Kind = Literal["category", "number", "ignore"] | Several
"""What a column of features is."""

Refuse = Callable[[int, str, str], None]
"""Raises the error about the different cell of a number: what was expected, and the remedy."""


@dataclass(frozen=True)
class Feature:
    """A feature and what was learned about it.

    Args:
        column: its name in the table.
        kind: "category" or "number".
        names: the categories; that of code `c` is `names[c - 1]`, and code 0 is every other one.
        separator: between several categories in a cell; None: a cell is one category, or a list of them.
        mean: of the numbers.
        deviation: of the numbers; 1 if they are all the same.

    >>> genres = Feature("genres", "category", names=("drama", "war"), separator="|")
    >>> genres.encode(["war|drama", "western", None], np.arange(3)).codes.tolist()
    [[2, 1], [0, -1], [0, -1]]
    >>> Feature("year", "number", mean=1990.0, deviation=10.0).encode([2000, None], np.arange(2)).numbers.tolist()
    [[1.0], [0.0]]
    """

    column: str
    kind: Literal["category", "number"]
    names: tuple[str, ...] = field(default=(), repr=False)  # there may be a million
    separator: str | None = None
    mean: float = 0.0
    deviation: float = 1.0

    @property
    def size(self) -> int:
        """Number of categories, the unknown one included; 0 for a number."""
        return len(self.names) + 1 if self.kind == "category" else 0

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each category."""
        return {name: code for code, name in enumerate(self.names, start=1)}

    def encode(self, cells: Sequence[Cell], rows: NDArray[np.int64], refuse: Refuse | None = None) -> Column:
        """The column of `(n,)` rows, each of which is a place in the different `cells`.

        A missing cell is an unknown category, or the mean.

        Raises:
            DataError: if a cell of a column of numbers is none, or one has more than `WIDEST` categories.
        """
        refuse = refuse or _refuse
        if self.kind == "number":
            values = np.array([number(cell) for cell in cells], np.float64)
            for at, (cell, value) in enumerate(zip(cells, values.tolist(), strict=True)):
                if not math.isfinite(value) and _present(cell):
                    refuse(
                        at, "a finite number",
                        f"Correct the cell, or say kinds={{{self.column!r}: 'category'}} if it is no number.",
                    )  # fmt: skip
            scaled = np.clip((values - self.mean) / self.deviation, -LIMIT, LIMIT)
            return Column.numeric(np.nan_to_num(scaled).astype(np.float32)[rows])
        if self.separator is None and not any(isinstance(cell, tuple) for cell in cells):
            single = np.fromiter((self.codes.get(text(cell) or "", 0) for cell in cells), np.int64, len(cells))
            return Column.categories(single[rows], self.size)
        parts = [split(cell, self.separator) for cell in cells]
        width = max(map(len, parts), default=1) or 1
        if width > WIDEST:
            at = max(range(len(parts)), key=lambda place: len(parts[place]))
            refuse(at, f"at most {WIDEST} categories in a cell", "Keep the most telling ones.")
        table = np.full((len(parts), width), -1, np.int32)
        for place, names in enumerate(parts):
            found = list(dict.fromkeys(self.codes.get(name, 0) for name in names)) or [0]
            table[place, : len(found)] = found
        return Column.categories(table[rows].astype(np.int64), self.size)


def learn(
    column: str, cells: Sequence[Cell], rows: NDArray[np.int64], kind: Kind | None, refuse: Refuse
) -> Feature | str:
    """What a column is.

    The rules, unless `kind` says it: cells with `|` in them, or lists, are several categories; a column of whose
    different cells nine tenths are numbers is a number, and the others are mistakes; everything else is a category.
    Left out are a column that never changes and one of texts that are all different (a name, not a category).

    Args:
        column: its name.
        cells: its different cells.
        rows: `(n,)` place of each item's or user's cell.
        kind: what it is, if that is known.
        refuse: raises the error about a cell.

    Returns:
        The feature, or why it is left out.

    Raises:
        DataError: if some cells do not fit the rest.
    """
    if kind == "ignore":
        return "not wanted"
    if kind is None and len(np.unique(rows)) < 2:
        return "never changes"
    there = [cell for cell in cells if _present(cell)]
    lists = any(isinstance(cell, tuple) for cell in there)
    if kind is None:
        share = np.mean([math.isfinite(number(cell)) for cell in there]) if there else 0.0
        if lists or any(isinstance(cell, str) and SEPARATOR in cell for cell in there):
            kind = Several()
        elif share >= NUMERIC:
            kind = "number"
        elif len(rows) >= 20 and len(there) == len(rows):
            return "names: no two are the same"
        else:
            kind = "category"
    if kind == "number":
        return _number(column, cells, rows, refuse)
    separator = kind.separator if isinstance(kind, Several) else None
    names = ordered({name for cell in there for name in split(cell, separator)})
    return Feature(column, "category", tuple(names), separator)


def _number(column: str, cells: Sequence[Cell], rows: NDArray[np.int64], refuse: Refuse) -> Feature:
    Feature(column, "number").encode(cells, rows[:0], refuse)
    values = np.array([number(cell) for cell in cells], np.float64)[rows]
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = (float(values.mean()), float(values.std())) if len(values) else (0.0, 1.0)
    if not math.isfinite(mean) or not math.isfinite(deviation):
        at = int(np.nanargmax(np.abs([number(cell) for cell in cells])))
        refuse(at, "numbers that have a standard deviation", "Change the unit, or leave the column out.")
    # rounding leaves a column that never changes a tiny deviation
    return Feature(column, "number", mean=mean, deviation=deviation if deviation > 1e-12 * abs(mean) else 1.0)


def split(cell: Cell, separator: str | None) -> list[str]:
    """The names of the categories in a cell; none if it is missing."""
    if isinstance(cell, tuple):
        return [name for name in map(text, cell) if name is not None]
    said = text(cell)
    if said is None or separator is None:
        return [] if said is None else [said]
    return [name for name in map(text, said.split(separator)) if name is not None]


def _present(cell: Cell) -> bool:
    return isinstance(cell, tuple) or text(cell) is not None


def _refuse(at: int, expected: str, remedy: str) -> None:
    raise DataError(f"Cell {at + 1}: expected {expected}. {remedy}")
