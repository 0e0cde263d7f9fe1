"""Intervals over tasks and paired comparisons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError

Values = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean with the half-width of its 95 % interval."""

    mean: float
    half: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half


def interval(values: Values) -> Interval:
    """Mean and 1.96 standard errors over tasks.

    >>> interval(np.array([1.0, 2.0, 3.0, 4.0]))
    Interval(mean=2.5, half=1.26...)
    """
    if not len(values) or not np.isfinite(values).all():  # nobody, or diverged: there is no mean to speak of
        return Interval(float("nan"), float("inf"))
    if len(values) < 2:
        return Interval(float(np.mean(values)), float("inf"))
    with np.errstate(over="ignore"):  # nearly diverged: the squares of such values are infinite, and so is the half
        half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return Interval(float(np.mean(values)), float(half))


class Difference(NamedTuple):
    """A paired difference with its bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def seen(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def paired_difference(a: Values, b: Values, resamples: int = 10_000, seed: int = 0) -> Difference:
    """Mean of `a - b` over tasks, with the 95 % percentile interval of a bootstrap over tasks.

    Raises:
        ConfigurationError: if they are not of the same number of tasks.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", section 13.3.

    >>> d = paired_difference(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    >>> d.mean, d.low, d.high
    (1.0, 1.0, 1.0)
    """
    if a.shape != b.shape:
        raise ConfigurationError(
            f"Paired values need the same tasks; got {a.shape} and {b.shape}. Evaluate both on the same number of them."
        )
    difference = a - b
    draw = np.random.default_rng(seed).multinomial(
        len(difference), np.full(len(difference), 1 / len(difference)), resamples
    )
    means = draw @ difference / len(difference)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(difference.mean()), float(low), float(high))
