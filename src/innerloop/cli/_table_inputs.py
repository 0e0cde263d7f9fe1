"""A user's own rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from innerloop.adapted import AdaptedModel
from innerloop.cli._inputs import Found, Inputs, guesses
from innerloop.errors import DataError
from innerloop.losses import mean_of
from innerloop.sources._scaling import Scaling
from innerloop.sources._table_file import read_table


class TableInputs(Inputs):
    """Rows of CSV files with the columns of the run's table."""

    def __init__(self, scaling: Scaling):
        self.scaling, self.about = scaling, {"scaling": asdict(scaling)}
        self.classes = list(scaling.classes or ())

    def support(self, path: str) -> tuple[Tensor, Tensor, dict[str, int], str]:
        """Reads the rows, target included."""
        rows = read_table(path, least=1).rows()
        try:
            x, y = self.scaling.rows(rows), self.scaling.targets(rows)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        return x, y, {}, f"learned {self.scaling.target!r} from {len(x)} rows"

    def read(self, paths: Sequence[str]) -> Found:
        """Reads the rows of all files."""
        labels, inputs = [], []
        for path in paths:
            table = read_table(path, least=1)
            try:
                inputs.append(self.scaling.rows(table.rows()))
            except DataError as error:
                raise DataError(f"{path}: {error}") from error
            labels += [{"file": path, "line": line} for line in table.lines]
        return labels, torch.cat(inputs)

    def predictions(self, model: AdaptedModel, found: Found) -> list[dict[str, Any]]:
        """The target in its own units, or class and confidence, for each row."""
        rows, x = found
        if self.scaling.classes is not None:
            return [{**row, **guess} for row, guess in zip(rows, guesses(model, x), strict=True)]
        values = self.scaling.restore(mean_of(model(x)).double()).flatten().tolist()
        return [{**row, self.scaling.target: value} for row, value in zip(rows, values, strict=True)]
