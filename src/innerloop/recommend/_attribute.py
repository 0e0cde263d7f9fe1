"""A column that says something of items or users: gathered chunk by chunk, one cell for each item or user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from innerloop.errors import DataError
from innerloop.recommend._cells import Cells, Chunk
from innerloop.recommend._events import Whole
from innerloop.recommend._feature import Feature, Kind, learn
from innerloop.recommend._features import Column
from innerloop.recommend._numbering import Distinct, Names

Side = Literal["item", "user"]


class Attribute:
    """One column. Only its different cells are kept, and which of them each item and each user has.

    Args:
        table: where it is.
        column: its name.
        sides: what it may be a feature of; a row with another cell than an earlier row of the same item (user) shows
            that it is none of items (users).
        wanted: whether it is an error if no side is left.
    """

    def __init__(self, table: Cells, column: str, sides: tuple[Side, ...], *, wanted: bool):
        self.table, self.column, self.wanted = table, column, wanted
        self.cells = Distinct()
        self._against: dict[Side, tuple[int, str, object]] = {}
        self._of: dict[Side, Whole] = {side: np.zeros(0, np.int64) for side in sides}

    @property
    def side(self) -> Side | None:
        """What it is a feature of; items before users, None if of neither."""
        return next(iter(self._of), None)

    def add(self, chunk: Chunk, keys: Mapping[Side, tuple[Whole, Names]]) -> None:
        """Reads the rows of a chunk.

        Args:
            chunk: the rows.
            keys: of each side, the numbers of the rows' items (users), and their names.

        Raises:
            DataError: if a wanted column is a feature of neither items nor users, or has too many different cells.
        """
        if not self._of:
            return
        try:
            found = self.cells.numbers(chunk.columns[self.column], self.table, chunk.lines, self.column)
        except DataError:
            if self.wanted:
                raise
            self._give_up()
            return
        for side in list(self._of):
            who, names = keys[side]
            known = self._of[side]
            if len(known) < len(names.known):
                known = np.concatenate([known, np.full(len(names.known) - len(known), -1, np.int64)])
            fresh = known[who] < 0
            # of several rows with the same number, the first one counts: assignment keeps the last
            known[who[fresh][::-1]] = found[fresh][::-1]
            self._of[side] = known
            differ = known[who] != found
            if differ.any():
                row = int(np.argmax(differ))
                expected = f"{self.cells.cells[known[who[row]]]!r}, as before for {side} {names.known[who[row]]!r}"
                self._against[side] = (chunk.lines[row], expected, chunk.columns[self.column][row])
                del self._of[side]
        if not self._of:
            if self.wanted:
                # of an item's rows and a user's rows that differ, those of the item are the likely mistake
                line, expected, got = self._against.get("item") or self._against["user"]
                self.table.refuse(
                    line, self.column, expected, got,
                    f"Correct one of the rows, or leave the column out with kinds={{{self.column!r}: 'ignore'}}.",
                )  # fmt: skip
            self._give_up()

    def _give_up(self) -> None:
        self._of, self.cells = {}, Distinct()

    def of(self, places: Whole) -> Whole:
        """`(n,)` which of the different cells the items (users) have; 0, a missing one, for those without a row."""
        assert self.side is not None
        known = self._of[self.side]
        cells = np.zeros(max(len(known), int(places.max(initial=-1)) + 1), np.int64)
        cells[: len(known)] = np.maximum(known, 0)
        return cells[places]

    def learn(self, places: Whole, kind: Kind | None) -> Feature | str:
        """What the column is, of the items (users) `places` in their order; or why it is left out."""
        return learn(self.column, self.cells.cells, self.of(places), kind, self._refuse)

    def encode(self, feature: Feature, places: Whole) -> Column:
        """The column of the items (users) `places`.

        Raises:
            DataError: if a cell of a column of numbers is none; it names the row.
        """
        return feature.encode(self.cells.cells, self.of(places), self._refuse)

    def texts(self, places: Whole) -> tuple[str, ...]:
        """The cells as they are, "" for a missing one."""
        cells = ["" if cell is None else str(cell) for cell in self.cells.cells]
        return tuple(cells[at] for at in self.of(places).tolist())

    def _refuse(self, at: int, expected: str, remedy: str) -> None:
        self.table.refuse(self.cells.lines[at], self.column, expected, self.cells.cells[at], remedy)
