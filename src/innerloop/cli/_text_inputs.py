"""A user's own texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.adapted import AdaptedModel
from innerloop.cli._inputs import Found, Inputs, guesses
from innerloop.errors import DataError
from innerloop.sources import HashedNgrams
from innerloop.sources._table_file import read_table
from innerloop.sources._text_file import read_texts


class TextInputs(Inputs):
    """Texts in CSV or JSON files; for the support, with their labels."""

    def __init__(self, ngrams: HashedNgrams, text: str, label: str):
        self.ngrams, self.text, self.label, self.classes = ngrams, text, label, []
        self.about = {"ngrams": ngrams.to_json(), "text": text, "label": label}

    def support(self, path: str) -> tuple[Tensor, Tensor, dict[str, int], str]:
        """Reads texts and labels; classes are numbered in the order of their names."""
        rows = read_texts(path, self.text, self.label)
        self.classes = sorted({row.label for row in rows})
        if len(self.classes) < 2:
            raise DataError(f"{path!r} has the one label {self.classes[0]!r}; expected at least two to tell apart.")
        y = torch.tensor([self.classes.index(row.label) for row in rows])
        counts = {name: int((y == k).sum()) for k, name in enumerate(self.classes)}
        listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
        return (
            self.ngrams([row.text for row in rows]), y, counts,
            f"learned {len(counts)} classes from {len(rows)} texts: {listed}",
        )  # fmt: skip

    def read(self, paths: Sequence[str]) -> Found:
        """Reads the texts of tables, labels aside, or the lines of other files."""
        texts = [text for path in paths for text in _texts_in(Path(path), self.text)]
        return [{"text": text} for text in texts], self.ngrams(texts)

    def predictions(self, model: AdaptedModel, found: Found) -> list[dict[str, Any]]:
        """Class and confidence of each text."""
        rows, x = found
        return [{**row, **guess} for row, guess in zip(rows, guesses(model, x), strict=True)]


def _texts_in(path: Path, column: str) -> list[str]:
    if path.suffix.lower() == ".csv":
        table = read_table(path, least=1)
        if column not in table.columns:
            raise DataError(f"{path} has no column {column!r}; it has {', '.join(map(repr, table.columns))}.")
        texts = table.columns[column]
    else:
        try:
            texts = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"Cannot read the texts {str(path)!r}: {error}. Expected one text a line.") from error
    if not (found := [text for text in texts if text]):
        raise DataError(f"{str(path)!r} holds no texts. Expected one a line, or a CSV file with a column {column!r}.")
    return found
