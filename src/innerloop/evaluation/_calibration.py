"""Calibration: is a prediction made with 80 % confidence right 80 % of the time?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Calibration:
    """Reliability of a classifier, pooled over all query examples of all tasks.

    Attributes:
        error: expected calibration error `Σ_b n_b/n |accuracy_b - confidence_b|`.
        confidence: mean confidence of each bin that is not empty.
        accuracy: its accuracy.
        count: its number of predictions.
    """

    error: float
    confidence: list[float]
    accuracy: list[float]
    count: list[int]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))

    @staticmethod
    def from_json(value: dict[str, Any]) -> Calibration:
        """The calibration that `to_json` wrote.

        Raises:
            KeyError, TypeError or ValueError: if it is something else.
        """
        confidence, accuracy = ([float(each) for each in value[name]] for name in ("confidence", "accuracy"))
        count = [int(each) for each in value["count"]]
        if not len(confidence) == len(accuracy) == len(count):
            raise ValueError("confidence, accuracy and count of a calibration have different lengths")
        return Calibration(float(value["error"]), confidence, accuracy, count)


BINS = 15
"""Bins of equal width, those of Guo et al. 2017."""


def pooled(found: Sequence[Calibration], bins: int = BINS) -> Calibration | None:
    """The calibration of the predictions of several evaluations together; None if there are none.

    Args:
        found: made with the same number of bins.
        bins: that number.
    """
    if not found:
        return None
    sums = np.zeros((3, bins))
    for one in found:
        for sure, right, count in zip(one.confidence, one.accuracy, one.count, strict=True):
            sums[:, min(int(sure * bins), bins - 1)] += (count, count * sure, count * right)
    count, confidence, right = sums[:, sums[0] > 0]
    return Calibration(
        float(expected_error(sums)),
        [float(v) for v in confidence / count],
        [float(v) for v in right / count],
        [int(v) for v in count],
    )


def expected_error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The expected calibration error of what was summed in each bin.

        Σ_b |right_b - confidence_b| / Σ_b count_b

    Args:
        sums: `(..., 3, bins)`: numbers of predictions, sums of their confidences, numbers of right ones.

    >>> float(expected_error(np.array([[0.0, 4.0], [0.0, 3.6], [0.0, 3.0]])))
    0.15...
    """
    count, confidence, right = sums[..., 0, :], sums[..., 1, :], sums[..., 2, :]
    error: NDArray[np.float64] = np.abs(right - confidence).sum(-1) / np.maximum(count.sum(-1), 1)
    return error


def calibration(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS) -> Calibration:
    """Calibration in bins of equal width.

    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3 and section 5 (15 bins).

    >>> calibration(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False])).error
    0.15...
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    full = count > 0
    mean_confidence = np.bincount(place, confidence, bins)[full] / count[full]
    accuracy = np.bincount(place, correct.astype(float), bins)[full] / count[full]
    weight = count[full] / max(len(confidence), 1)
    return Calibration(
        float((weight * np.abs(accuracy - mean_confidence)).sum()),
        [float(v) for v in mean_confidence],
        [float(v) for v in accuracy],
        [int(v) for v in count[full]],
    )
