"""A user's own pictures and rows, prepared exactly as the run's were."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.adapted import AdaptedModel
from innerloop.errors import CheckpointError, ConfigurationError, DataError, InnerloopError
from innerloop.losses import mean_of
from innerloop.outer import Run
from innerloop.recipes import Recipe
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.recipes.clinc import ClincRecipe
from innerloop.recipes.folder import FolderRecipe
from innerloop.recipes.table import TableRecipe
from innerloop.recipes.text import TextRecipe
from innerloop.sources import HashedNgrams, Pictures
from innerloop.sources._pictures import SUFFIXES, class_folders
from innerloop.sources._scaling import Scaling
from innerloop.sources._table_file import read_table
from innerloop.sources._text_file import read_texts

_AT_ONCE = 256
"""Pictures that are floats at a time."""

Found = tuple[list[dict[str, Any]], Tensor]
"""What says which input it is, for each input, and the inputs."""


class Inputs(ABC):
    """How a user's files become the tensors that a run's learner knows.

    Attributes:
        about: plain values from which `from_about` makes the same inputs again; kept in the adapted model.
        classes: names of the classes, once they are known; empty in regression.
    """

    about: dict[str, Any]
    classes: list[str]

    @abstractmethod
    def support(self, path: str) -> tuple[Tensor, Tensor, dict[str, int], str]:
        """Inputs, targets, number of examples per class, and what they are in words."""

    @abstractmethod
    def read(self, paths: Sequence[str]) -> Found:
        """The inputs in files and folders."""

    @abstractmethod
    def predictions(self, model: AdaptedModel, found: Found) -> list[dict[str, Any]]:
        """One row per input."""


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
                rows[start : start + _AT_ONCE], _guesses(model, _floats(x[start : start + _AT_ONCE])), strict=True
            )
        ]

    def _load(self, files: Sequence[Path]) -> Tensor:
        return torch.stack([self.pictures.load(file) for file in files])


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
            return [{**row, **guess} for row, guess in zip(rows, _guesses(model, x), strict=True)]
        values = self.scaling.restore(mean_of(model(x)).double()).flatten().tolist()
        return [{**row, self.scaling.target: value} for row, value in zip(rows, values, strict=True)]


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
        return [{**row, **guess} for row, guess in zip(rows, _guesses(model, x), strict=True)]


def of_run(run: Run, recipe: Recipe) -> Inputs:
    """The inputs of a run's recipe.

    Raises:
        ConfigurationError: if its tasks are made up, so that nobody has files of them.
        CheckpointError: if the run does not say how its table was scaled.
    """
    if isinstance(recipe, FolderRecipe):
        return PictureInputs(Pictures(recipe.size, recipe.grey, recipe.ink))
    if isinstance(recipe, PictureRecipe):
        return PictureInputs(Pictures(28, grey=True, ink="bright"))  # ink as in Characters and Omniglot
    if isinstance(recipe, TableRecipe):
        return from_about({"scaling": run.config().get("scaling")}, run.folder / "config.json")
    if isinstance(recipe, TextRecipe | ClincRecipe):
        columns = {name: getattr(recipe, name, name) for name in ("text", "label")}
        return from_about({"ngrams": run.config().get("ngrams"), **columns}, run.folder / "config.json")
    raise ConfigurationError(
        f"`innerloop adapt` is for runs on pictures, texts and tables; the recipe {recipe.recipe!r} makes its tasks "
        "up. In Python, learner.adapted(x, y) adapts any learner."
    )


def from_about(about: dict[str, Any], path: Path) -> Inputs:
    """The inputs that `about` describes.

    Raises:
        CheckpointError: if it describes none.
    """
    try:
        if about.get("scaling") is not None:
            return TableInputs(Scaling(**about["scaling"]))
        if about.get("ngrams") is not None:
            return TextInputs(HashedNgrams.from_json(about["ngrams"]), str(about["text"]), str(about["label"]))
        if about.get("pictures") is not None:
            return PictureInputs(Pictures(**about["pictures"]))
    except (KeyError, TypeError, ValueError, AttributeError, InnerloopError) as error:
        raise CheckpointError(f"{path} is damaged: its description of the inputs is {about}: {error}.") from error
    raise CheckpointError(
        f"{path} does not say how its inputs were prepared: it was made from Python. Predict there, with "
        "innerloop.load."
    )


def _guesses(model: AdaptedModel, x: Tensor) -> list[dict[str, Any]]:
    confidence, label = model.probabilities(x).max(1)
    names = model.classes or [str(k) for k in range(int(label.max()) + 1)]
    return [
        {"class": names[k], "confidence": round(c, 6)} for k, c in zip(label.tolist(), confidence.tolist(), strict=True)
    ]


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
