"""What is known of items or users beside their events: columns of codes and numbers, never wide one-hot rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import DataError


@dataclass(frozen=True, eq=False)
class Column:
    """One feature of `n` items or users.

    Args:
        codes: `(n, width)` int64 codes of categories; 0 is a category not seen before, -1 is padding where an item has
            fewer than `width` categories. Empty width for a number.
        numbers: `(n, width)` float32, scaled to mean 0 and deviation 1, 0 where missing. Empty width for categories.
        size: number of categories, the unknown one included; 0 for a number.
    """

    codes: NDArray[np.int64]
    numbers: NDArray[np.float32]
    size: int

    @classmethod
    def categories(cls, codes: NDArray[np.int64], size: int) -> Column:
        """A column of one category `(n,)`, or of several `(n, width)`, each 0..size-1, or -1 as padding."""
        wide = codes[:, None] if codes.ndim == 1 else codes
        if wide.size and not -1 <= wide.min() <= wide.max() < size:
            raise DataError(f"Codes must be from -1 to {size - 1}; got {wide.min()} to {wide.max()}.")
        return cls(wide.astype(np.int64), np.zeros((len(wide), 0), np.float32), size)

    @classmethod
    def numeric(cls, numbers: NDArray[np.floating]) -> Column:
        """A column of numbers `(n,)` that are scaled already."""
        return cls(np.zeros((len(numbers), 0), np.int64), numbers.astype(np.float32)[:, None], 0)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class Features:
    """Columns by name, one row for each item (or user).

    Args:
        columns: the features; none at all is allowed.
        rows: number of items or users.

    Raises:
        DataError: if a column has another number of rows.

    >>> genre = Column.categories(np.array([[1, 2], [2, -1]]), size=3)
    >>> Features({"genre": genre}, rows=2).columns["genre"].codes.tolist()
    [[1, 2], [2, -1]]
    >>> Features({"genre": genre, "year": Column.numeric(np.zeros(2))}, rows=2)
    Features({'genre': 3, 'year': a number}, rows=2)
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    rows: int = 0

    def __repr__(self) -> str:
        said = (f"{name!r}: {column.size or 'a number'}" for name, column in self.columns.items())
        return f"Features({{{', '.join(said)}}}, rows={self.rows:,})"

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if len(column) != self.rows:
                raise DataError(f"Feature {name!r} has {len(column)} rows; expected {self.rows}.")
