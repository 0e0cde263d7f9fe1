"""A user's own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.adapted import AdaptedModel
from innerloop.cli._inputs import Found, Inputs, guesses
from innerloop.errors import DataError
from innerloop.sources import Pictures
from innerloop.sources._pictures import SUFFIXES, class_folders

_AT_ONCE = 256
"""Pictures that are floats at a time."""


class PictureInputs(Inputs):
    """Pictures in files; for the support, a folder per class."""

    def __init__(self, pictures: Pictures):
        self.pictures, self.about, self.classes = pictures, {"pictures": asdict(pictures)}, []

    def support(self, path: str) -> tuple[Tensor, Tensor, dict[str, int], str]:
        """Reads the folders; classes are numbered in the order of their names."""
        folders = class_folders(path)
        self.classes = list(folders)
        if len(folders) < 2:
            raise DataError(
                f"{path!r} has the one class folder {self.classes[0]!r}; expected at least two to tell apart."
            )
        x = _floats(self._load([file for files in folders.values() for file in files]))
        y = torch.cat([torch.full((len(files),), k) for k, files in enumerate(folders.values())])
        counts = {name: len(files) for name, files in folders.items()}
        listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
        return x, y, counts, f"learned {len(counts)} classes from {len(x)} pictures: {listed}"

    def read(self, paths: Sequence[str]) -> Found:
        """Reads pictures, and those anywhere below folders."""
        files = [file for path in paths for file in _pictures_in(Path(path))]
        return [{"picture": str(file)} for file in files], self._load(files)

    def predictions(self, model: AdaptedModel, found: Found) -> list[dict[str, Any]]:
        """Class and confidence of each picture."""
        rows, x = found
        return [
            {**row, **guess}
            for start in range(0, len(rows), _AT_ONCE)
            for row, guess in zip(
                rows[start : start + _AT_ONCE], guesses(model, _floats(x[start : start + _AT_ONCE])), strict=True
            )
        ]

    def _load(self, files: Sequence[Path]) -> Tensor:
        return torch.stack([self.pictures.load(file) for file in files])


def _floats(pictures: Tensor) -> Tensor:
    return pictures.float().div_(255)  # as the task sources do


def _pictures_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]  # a missing or odd file gets its error from the decoder, with its name
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise DataError(
            f"The folder {str(path)!r} holds no pictures ({', '.join(SUFFIXES)}). Name files or another folder."
        )
    return found
