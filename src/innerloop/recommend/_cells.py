"""A table as it comes: chunks of cells, each row with the number that an error names it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError

CHUNK = 8_192
"""Rows that are in memory as cells at a time."""

Cell = object
"""Text from a file; text, a number, a time, a list or None from a frame."""


@dataclass(frozen=True)
class Chunk:
    """Some rows.

    Args:
        lines: their numbers, from 1.
        columns: their cells, column by column.
    """

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Cell]]

    def where(self, rows: NDArray[np.bool_]) -> Chunk:
        """The rows that are True."""
        columns = {name: list(compress(cells, rows)) for name, cells in self.columns.items()}
        return Chunk(list(compress(self.lines, rows)), columns)


@dataclass(frozen=True)
class Cells:
    """A table that can be gone through from its beginning, any number of times.

    Args:
        name: what errors call it.
        unit: what errors count: "line" of a file, or "row".
        header: names of the columns.
        chunks: the rows, in chunks.
    """

    name: str
    unit: str
    header: tuple[str, ...]
    chunks: Callable[[], Iterator[Chunk]]

    def __post_init__(self) -> None:
        double = sorted({name for name in self.header if self.header.count(name) > 1})
        if double:
            raise DataError(
                f"{self.name} has more than one column {double[0]!r}; expected different names. Rename one of them."
            )

    def refuse(self, line: int, column: str, expected: str, got: Cell, remedy: str) -> NoReturn:
        """Raises the error about one cell."""
        shown = repr(got) if len(repr(got)) <= 60 else f"{repr(got)[:56]}..."
        raise DataError(
            f"{self.name}, {self.unit} {line}, column {column!r}: expected {expected}; got {shown}. {remedy}"
        )

    def demand(self, column: str, what: str) -> str:
        """The column, if there is one of that name.

        Raises:
            DataError: if there is none.
        """
        if column not in self.header:
            raise DataError(
                f"{self.name} has no column {column!r} ({what}); it has {', '.join(map(repr, self.header))}. "
                "Name the column that it is, or add it."
            )
        return column


def number(cell: Cell) -> float:
    """A cell as a number; NaN if it is none. Python reads "1_2" as 12, which in a table is a name."""
    if isinstance(cell, str) and "_" in cell:
        return float("nan")
    try:
        return float(cell)  # type: ignore[arg-type]  # whatever is no number raises
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def numbers(table: Cells, chunk: Chunk, column: str, what: str) -> NDArray[np.float64]:
    """A column of a chunk as finite numbers.

    Raises:
        DataError: if a cell is none; it names the row.
    """
    cells = chunk.columns[column]
    try:
        # five times as fast as cell by cell, for cells that are all text and all right
        values = np.array([np.nan] if "_" in "".join(cells) else list(map(float, cells)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        values = np.fromiter(map(number, cells), np.float64, len(cells))
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        remedy = "Correct the cell, with a decimal point, or remove the row."
        table.refuse(chunk.lines[row], column, f"a finite number ({what})", cells[row], remedy)
    return values
