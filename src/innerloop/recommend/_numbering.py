"""Numbers for names: each new name gets the next one, at the cost of one look into a dict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from innerloop.recommend._cells import Cell, Cells
from innerloop.sources._table_file import MISSING

MOST = 2_000_000
"""Different cells that a column of features may have, about 150 bytes each; a million must work."""
NOTHING = MISSING | {"none", "nat", "<na>"}
"""Cells, in lower case, that say that there is nothing; Python and pandas write the last three."""


class NoName(Exception):  # noqa: N818  # caught where the row is known
    """A cell that names nothing."""


class Names(dict[Cell, int]):
    """Users or items by name: text without blanks at its ends.

    A whole number names the same whether it comes as 7, 7.0 or "7".

    Args:
        known: names that have the numbers from 0 on.
    """

    def __init__(self, known: Sequence[str] = ()):
        super().__init__(zip(known, range(len(known)), strict=True))
        self.known = list(known)

    def __missing__(self, cell: Cell) -> int:
        name = text(cell)
        if name is None or "\0" in name:
            raise NoName
        number = self.get(name)
        if number is None:
            number = self[name] = len(self.known)
            self.known.append(name)
        if not isinstance(cell, str) or cell != name:
            self[cell] = number
        return number

    def numbers(
        self, cells: Sequence[Cell], table: Cells, lines: Sequence[int], column: str, what: str
    ) -> NDArray[np.int64]:
        """`(N,)` the numbers of cells.

        Raises:
            DataError: if a cell is missing; it names the row.
        """
        try:
            return np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))
        except (NoName, TypeError):
            row = next(row for row, cell in enumerate(cells) if _nameless(cell))
            table.refuse(
                lines[row], column, f"the name of {what}", cells[row],
                "Fill in the cell, or remove the row; a name is text or a whole number, and none of "
                f"{', '.join(sorted(map(repr, NOTHING)))}.",
            )  # fmt: skip


class Distinct(dict[Cell, int]):
    """The different cells of a column of features, 0 a missing one.

    Attributes:
        cells: the cell of each number, without blanks at its ends; a list as a tuple.
        lines: the row where each was first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[Cell] = [None]
        self.lines: list[int] = [0]

    def __missing__(self, cell: Cell) -> int:
        if not isinstance(cell, tuple) and text(cell) is None:
            return 0
        bare = cell.strip() if isinstance(cell, str) else cell
        number = self.get(bare)
        if number is None:
            number = self[bare] = len(self.cells)
            self.cells.append(bare)
        if isinstance(cell, str) and cell != bare:
            self[cell] = number
        return number

    def numbers(
        self, cells: Sequence[Cell], table: Cells, lines: Sequence[int], column: str, most: int | None = None
    ) -> NDArray[np.int64]:
        """`(N,)` the numbers of cells.

        Raises:
            DataError: if there are more than `most` different ones; it names the row.
        """
        before, most = len(self.cells), MOST if most is None else most
        if any(isinstance(cell, list) for cell in cells):
            cells = [tuple(cell) if isinstance(cell, list) else cell for cell in cells]
        try:
            found = np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))
        except TypeError:
            row = next(row for row, cell in enumerate(cells) if not _hashable(cell))
            table.refuse(
                lines[row], column, "text, a number or a list of texts", cells[row],
                f"Turn it into one of these, or leave the column out with kinds={{{column!r}: 'ignore'}}.",
            )  # fmt: skip
        numbers, at = np.unique(found, return_index=True)
        self.lines += [lines[row] for row in at[numbers >= before].tolist()]
        if len(self.cells) - 1 > most:
            row = int(at[numbers.searchsorted(most + 1)])
            table.refuse(
                lines[row], column, f"at most {most:,} different cells", cells[row],
                f"Group them, or leave the column out with kinds={{{column!r}: 'ignore'}}.",
            )  # fmt: skip
        return found


def text(cell: Cell) -> str | None:
    """A cell as a name; None if it is missing. Whole numbers are written without a point.

    >>> text(" 7 "), text(7.0), text(float("nan")), text("NA")
    ('7', '7', None, None)
    """
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    said = str(cell).strip()
    return None if len(said) <= 4 and said.lower() in NOTHING else said  # the longest of them has four letters


def order(names: Sequence[str]) -> NDArray[np.int64]:
    """Places of names in their order: by number if all are whole numbers, else by text.

    >>> order(["10", "9"]).tolist(), order(["b10", "b9"]).tolist()
    ([1, 0], [0, 1])
    """
    key = int if all(map(whole, names)) else str
    return np.array(sorted(range(len(names)), key=[key(name) for name in names].__getitem__), np.int64)


def inverse(order: NDArray[np.int64], count: int = 0) -> NDArray[np.int64]:
    """The inverse of an order; -1 for what is not in it.

    Args:
        order: numbers, each once.
        count: how many numbers there are at least.

    >>> inverse(np.array([2, 0]), 4).tolist()
    [1, -1, 0, -1]
    """
    ranks = np.full(max(count, int(order.max(initial=-1)) + 1), -1, np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def ordered(names: Iterable[str]) -> list[str]:
    """Names in their order."""
    listed = list(names)
    return [listed[place] for place in order(listed).tolist()]


def whole(name: str) -> bool:
    """Whether a name is a whole number as a computer would write it (no leading zeros, at most 18 digits)."""
    digits = name[1:] if name[:1] == "-" else name
    return digits.isascii() and digits.isdigit() and len(digits) <= 18 and (digits[0] != "0" or name == "0")


def _nameless(cell: Cell) -> bool:
    name = text(cell) if _hashable(cell) else None
    return name is None or "\0" in name


def _hashable(cell: Cell) -> bool:
    try:
        hash(cell)
    except TypeError:
        return False
    return True
