"""Items (or users) while a table is read: their names, and what is said of them in which table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._attribute import Attribute, Side
from innerloop.recommend._cells import Cells, Chunk
from innerloop.recommend._events import Whole
from innerloop.recommend._numbering import Names, order

Unknown = Literal["refuse", "drop", "keep"]
"""What to do with rows of users or items that are not known."""


class Known:
    """The items (or users) of a table.

    Args:
        side: which.
        names: those that are known from a schema, in its order; None: there is no schema.
        unknown: what to do with rows of others.
        column: what the events call the column.

    Raises:
        ConfigurationError: if `unknown` is none of its three words.
    """

    def __init__(self, side: Side, names: Sequence[str] | None, unknown: Unknown, column: str):
        if unknown not in get_args(Unknown):
            raise ConfigurationError(f"unknown must be one of {', '.join(get_args(Unknown))}; got {unknown!r}.")
        self.side, self.unknown, self.column = side, unknown, column
        self.names = Names(names or ())
        self.first = len(self.names.known)
        self.attributes: dict[str, Attribute] = {}
        self._limit = None if names is None or unknown == "keep" else self.first
        self._where = "the schema"

    def read(self, table: Cells, key: str, columns: Sequence[str]) -> None:
        """Reads a table of items (or users): afterwards those in it are the known ones.

        Args:
            table: one row for each of them.
            key: the column that names them.
            columns: what to read about them.

        Raises:
            DataError: if two rows of one of them differ, one is not in the schema and is refused, or one of the schema
                has no row.
        """
        self.attributes |= {name: Attribute(table, name, (self.side,), wanted=True) for name in columns}
        there: set[int] = set()
        for chunk in table.chunks():
            numbers = self.names.numbers(chunk.columns[key], table, chunk.lines, key, f"the {self.side}")
            numbers, chunk = self.rows(table, key, numbers, chunk)
            there.update(numbers.tolist())
            for name in columns:
                self.attributes[name].add(chunk, {self.side: (numbers, self.names)})
        if not there:
            raise DataError(f"{table.name} has no {self.side}s; expected a row for each. Export the table again.")
        if self.unknown == "refuse" and (left := sorted(set(range(self.first)) - there)):
            raise DataError(
                f"{table.name} has no row for {self.side} {self.names.known[left[0]]!r} of the schema ({len(left)} are "
                "missing). Add the rows, or say unknown='keep' if nothing is known of them."
            )
        if self.unknown != "keep" and self._limit is None:
            self._limit, self._where = len(self.names.known), table.name

    def rows(self, table: Cells, column: str, numbers: Whole, chunk: Chunk) -> tuple[Whole, Chunk]:
        """The rows of a chunk whose item (user) is known, or may be new.

        Raises:
            DataError: if one is not known and is refused; it names the row.
        """
        kept = self.kept(table, column, numbers, chunk)
        return (numbers, chunk) if kept.all() else (numbers[kept], chunk.where(kept))

    def kept(self, table: Cells, column: str, numbers: Whole, chunk: Chunk) -> NDArray[np.bool_]:
        """Which rows these are."""
        kept = np.ones(len(numbers), bool) if self._limit is None else numbers < self._limit
        if self.unknown == "refuse" and not kept.all():
            row = int(np.argmin(kept))
            table.refuse(
                chunk.lines[row], column, f"one of the {self.side}s in {self._where}", chunk.columns[column][row],
                "Add it there, or say unknown='keep' (nothing is known of it but its events) or 'drop'.",
            )  # fmt: skip
        return kept

    def order(self) -> Whole:
        """Where the known ones are among the names, in their final order: those of the schema, then the others."""
        new = self.names.known[self.first : self._limit]
        return np.concatenate([np.arange(self.first), self.first + order(new)])
