"""Labelled texts in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from innerloop.catalogue import family_of
from innerloop.recipes._checked import given
from innerloop.recipes._methods import of_papers
from innerloop.recipes._recipe import ClassRecipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class TextRecipe(ClassRecipe):
    """Your own texts with their labels: a CSV or JSON file."""

    data: str = ""
    """The file: a CSV with a header line, or a JSON list of [text, label] pairs or of objects."""
    text: str = "text"
    """Column or entry of the text."""
    label: str = "label"
    """Column or entry of the class."""
    splits: str | None = None
    """JSON file with the class names of train, validation and test; None: by a stable hash of the names."""
    dimensions: int = 2_048
    """Length of a text's vector of hashed n-grams."""
    hidden: tuple[int, ...] = (1_024,)
    """Widths of the hidden layers."""

    def _source(self) -> Splits:
        from innerloop.sources import Text

        return Text(
            given(self.data, "the file of texts"),
            ways=self.ways,
            shots=self.shots,
            queries=self.queries,
            text=self.text,
            label=self.label,
            splits=None if self.splits is None else Path(self.splits),
            dimensions=self.dimensions,
        )


_GRADIENT: dict[str, Any] = {"inner_steps": 5, "test_steps": 10, "inner_lr": 1.0, "hidden": (128,)}
"""A choice: vectors of texts have length 1, so that inner gradients are small and the rate may be large; every task has
weights of its own, so that the network is narrow. The papers' inner loops are for pictures."""


def text(method: str = "maml") -> TextRecipe:
    """Any labelled texts: hashed n-grams, one hidden layer of 1,024, 5 ways and 1 shot.

    The width and the small outer rate were picked on CLINC150's validation domains, after a few short runs: narrower
    layers and larger rates lose what the n-grams know. The other numbers are a choice for some minutes of one core.
    With few training classes a learned projection can be worse than the vectors themselves: look at the row of the
    nearest mean on raw inputs.
    """
    return TextRecipe(recipe="text", queries=10, **settings(method))


def settings(method: str) -> dict[str, Any]:
    """What the recipes for texts have in common."""
    common = {
        "method": method, "ways": 5, "shots": 1, "train_queries": 5, "norm": "running", "steps": 1_000,
        "tasks_per_step": 4, "lr": 1e-4, "schedule": "cosine", "validate_every": 100, "patience": 5,
    }  # fmt: skip
    return common | (_GRADIENT if family_of(method) == "gradient" else of_papers(method, "classes"))
