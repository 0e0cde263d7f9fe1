"""A user's own files as tensors, prepared exactly as the run's tasks were: what every kind of them does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from innerloop.adapted import AdaptedModel

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


def guesses(model: AdaptedModel, x: Tensor) -> list[dict[str, Any]]:
    """Class and confidence of each input."""
    confidence, label = model.probabilities(x).max(1)
    names = model.classes or [str(k) for k in range(int(label.max()) + 1)]
    return [
        {"class": names[k], "confidence": round(c, 6)} for k, c in zip(label.tolist(), confidence.tolist(), strict=True)
    ]
