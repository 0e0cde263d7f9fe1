"""Reading a table of text cells from a CSV file, and numbers from its cells."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError

_DELIMITERS = (",", ";", "\t")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
"""Cells, in lower case, that say that there is nothing."""


@dataclass(frozen=True)
class TableFile:
    """The cells of a table, column by column.

    Args:
        path: where it was read from, for errors.
        columns: the cells of each column, without blanks at their ends.
        lines: line number of each row in the file.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

    def rows(self) -> list[dict[str, str]]:
        """The rows, as `csv.DictReader` would give them."""
        return [dict(zip(self.columns, cells, strict=True)) for cells in zip(*self.columns.values(), strict=True)]

    def numbers(self, column: str) -> NDArray[np.float64] | None:
        """A column as numbers; None if it is text, that is if none of its cells is a number.

        Raises:
            DataError: if some cells are numbers and others are not.
        """
        values = as_numbers(self.columns[column])
        finite = np.isfinite(values)
        if not finite.any():
            return None
        if not finite.all():
            self.refuse(column, int(np.flatnonzero(~finite)[0]), "a finite number")
        return values

    def words(self, column: str) -> list[str]:
        """A column as text.

        Raises:
            DataError: if a cell is missing.
        """
        cells = self.columns[column]
        for row, cell in enumerate(cells):
            if cell.lower() in MISSING:
                self.refuse(column, row, "a name")
        return cells

    def refuse(self, column: str, row: int, expected: str) -> None:
        """Raises the error about one cell."""
        raise DataError(
            f"{self.path}, line {self.lines[row]}, column {column!r}: expected {expected}; got "
            f"{self.columns[column][row]!r}. Correct the cell, or remove the row or the column."
        )


def as_numbers(cells: Sequence[object]) -> NDArray[np.float64]:
    """Cells as numbers, NaN for what is none."""
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: object) -> float:
    # Python reads "1_2" as 12, which in a table is a name
    if isinstance(cell, str) and "_" in cell:
        return float("nan")
    try:
        return float(cell)  # type: ignore[arg-type]  # whatever is no number raises
    except (TypeError, ValueError):
        return float("nan")


def read_table(path: str | Path, least: int = 3) -> TableFile:
    """Reads a CSV file with a header; the separator is whichever of `,` `;` and tab its first line has most.

    Args:
        path: the file.
        least: columns that it must have: task, target and an input in a table to train on.

    Raises:
        DataError: if the file is no such table; it names the line.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            first = next((line for line in file if line.strip()), "")
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            lines, rows = [], []
            for row in reader:
                if row:  # blank lines have no cells
                    lines.append(reader.line_num)
                    rows.append([cell.strip() for cell in row])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"Cannot read the table {str(path)!r}: {error}. Expected a CSV file in UTF-8 with a header line."
        ) from error
    if len(rows) < 2:
        raise DataError(f"The table {str(path)!r} has {len(rows)} lines; expected a header line and rows below it.")
    header = [name or f"column {number}" for number, name in enumerate(rows[0], start=1)]
    if len(header) < least or len(set(header)) < len(header):
        what = "at least three columns (task, target, inputs)" if least == 3 else "columns"
        raise DataError(
            f"{str(path)!r}, line {lines[0]}: expected {what} with different names, separated by a "
            f"comma, a semicolon or a tab; got {header}."
        )
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise DataError(
                f"{str(path)!r}, line {line}: expected {len(header)} cells, as in the header; got "
                f"{len(row)}. Put cells that hold the separator into double quotes."
            )
    columns = {name: list(cells) for name, cells in zip(header, zip(*rows[1:], strict=True), strict=True)}
    return TableFile(str(path), columns, lines[1:])
