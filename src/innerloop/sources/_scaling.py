"""The scale of a table: from its own units to what a network likes, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._table_file import as_numbers

LIMIT = 4.0
"""Standard deviations beyond which an input is cut. An inner step grows with the square of the inputs, so a single row
far out, as measured quantities have them, would throw the adapted parameters away."""

Row = Mapping[str, object]
"""A row of a table: a cell, text or number, for each column name."""


@dataclass(frozen=True)
class Scaling:
    """Gives inputs and regression targets mean 0 and standard deviation 1 over the training tasks' rows.

    It is made of plain values: `Scaling(**json.loads(json.dumps(dataclasses.asdict(scaling)))) == scaling`.

    Args:
        columns: names of the input columns, in the order of the features.
        means: of the inputs.
        stds: of the inputs; 1 for a column that never changes.
        target: name of the target column.
        target_mean: of the target; 0 in classification.
        target_std: of the target; 1 in classification.
        classes: class names in the order of the labels; None in regression.

    >>> scaling = Scaling(["age"], [50.0], [10.0], "score", 3.0, 2.0)
    >>> scaling.rows([{"age": "60"}, {"age": 40}])
    tensor([[ 1.],
            [-1.]])
    >>> scaling.restore(torch.tensor([[0.5]]))
    tensor([[4.]])
    """

    columns: Sequence[str]
    means: Sequence[float]
    stds: Sequence[float]
    target: str
    target_mean: float = 0.0
    target_std: float = 1.0
    classes: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in ("columns", "means", "stds", "classes"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(value))

    def rows(self, rows: Sequence[Row]) -> Tensor:
        """The inputs of rows of such a table, `(N, features)` float32, scaled.

        Raises:
            DataError: if a row lacks a column or a cell is not a finite number.
        """
        columns = [_numbers(rows, name) for name in self.columns]
        return self.scale(np.stack(columns, axis=1).reshape(len(rows), len(self.columns)))

    def targets(self, rows: Sequence[Row]) -> Tensor:
        """The targets of rows of such a table: `(N, 1)` float32, scaled, or `(N,)` int64 labels.

        Raises:
            DataError: if a row lacks the target, or the target is not a number or not a known class.
        """
        if self.classes is None:
            return self.scale_target(_numbers(rows, self.target))
        cells = [str(cell).strip() for cell in _cells(rows, self.target)]
        for number, cell in enumerate(cells, start=1):
            if cell not in self.classes:
                raise DataError(
                    f"Row {number}, column {self.target!r}: expected one of the classes "
                    f"{', '.join(self.classes)}; got {cell!r}."
                )
        return torch.tensor([self.classes.index(cell) for cell in cells], dtype=torch.int64)

    def scale(self, inputs: NDArray[np.float64]) -> Tensor:
        """`(N, features)` numbers in their own units, scaled, and cut at `LIMIT` standard deviations."""
        scaled = (inputs - np.array(self.means)) / np.array(self.stds)
        return torch.from_numpy(np.clip(scaled, -LIMIT, LIMIT).astype(np.float32))

    def scale_target(self, target: NDArray[np.float64]) -> Tensor:
        """`(N,)` targets in their own units as `(N, 1)`, scaled."""
        return torch.from_numpy(((target - self.target_mean) / self.target_std).astype(np.float32)[:, None])

    def restore(self, y: Tensor) -> Tensor:
        """Predictions of a regression, in the target's own units.

        Raises:
            DataError: if the target is a class.
        """
        if self.classes is not None:
            raise DataError(f"The target {self.target!r} is a class: `classes[y]` is the name of label y.")
        return y * self.target_std + self.target_mean


def fit_scaling(
    columns: Sequence[str],
    inputs: NDArray[np.float64],
    target: str,
    values: NDArray[np.float64] | None,
    classes: Sequence[str] | None,
) -> Scaling:
    """The scale of the given rows.

    Args:
        columns: names of the inputs.
        inputs: `(R, features)` rows of the training tasks.
        target: name of the target.
        values: `(R,)` their targets in a regression.
        classes: class names in a classification.

    Raises:
        DataError: if a column has numbers too large to have a standard deviation.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = inputs if values is None else np.column_stack([inputs, values])
        means, stds = numbers.mean(0), numbers.std(0)
    for name, mean, std in zip([*columns, target], means, stds, strict=False):
        if not np.isfinite(mean) or not np.isfinite(std):
            raise DataError(f"Column {name!r} has numbers too large to work with. Change its unit, or drop it.")
    # rounding leaves a column that never changes a tiny deviation
    stds = np.where(stds <= 1e-12 * np.abs(means), 1.0, stds)
    count = len(columns)
    return Scaling(
        columns,
        means[:count].tolist(),
        stds[:count].tolist(),
        target,
        target_mean=0.0 if values is None else float(means[count]),
        target_std=1.0 if values is None else float(stds[count]),
        classes=classes,
    )


def _cells(rows: Sequence[Row], column: str) -> list[object]:
    for number, row in enumerate(rows, start=1):
        if column not in row:
            raise DataError(f"Row {number} has no column {column!r}; it has {', '.join(map(str, row))}.")
    return [row[column] for row in rows]


def _numbers(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    cells = _cells(rows, column)
    values = as_numbers(cells)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"Row {bad[0] + 1}, column {column!r}: expected a finite number; got {cells[bad[0]]!r}. "
            "Correct or remove the row."
        )
    return values
