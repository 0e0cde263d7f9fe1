"""How a metric grows with the amount of training data: a power law, where one fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError

Array = NDArray[np.float64]

EXPONENTS = np.geomspace(0.02, 4.0, 240)
"""Exponents that are tried. At the ends the curve is a logarithm, or a step: no plateau can be read from it."""

LEAST_SIZES = 4
"""Three numbers are fitted, so one more point is the least that can contradict them."""

FITS = 0.1
"""Largest root mean square distance of the points from the curve, as a share of their range. A choice."""

AGREE = 0.9
"""Share of the resamples that must have an exponent inside the range. A choice."""


@dataclass(frozen=True)
class PowerLaw:
    """`a - b n^-c`, with its 95 % bootstrap band.

    Attributes:
        reason: why it must not be used; empty if it may be.
        plateau: a, the value that more and more data lead to, and its interval.
        gain: b.
        exponent: c, and its interval.
        band: (n, value, low, high) along the curve, up to twice the largest size that was measured.
        doubling: what twice the largest size would change, and its interval: an extrapolation.
        distance: root mean square distance of the points from the curve.
    """

    reason: str
    plateau: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    gain: float = np.nan
    exponent: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    band: list[tuple[float, float, float, float]] = field(default_factory=list)
    doubling: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    distance: float = np.nan

    @property
    def sound(self) -> bool:
        """Whether the points are described by the curve."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """Plain values: the reason alone if the fit must not be used."""
        return {"sound": False, "reason": self.reason} if self.reason else {"sound": True, **vars(self)}


def power_law(
    sizes: Sequence[float], values: Sequence[Array], higher_is_better: bool, resamples: int = 1_000, seed: int = 0
) -> PowerLaw:
    """Fits `a - b n^-c` to a metric over sizes of the training set.

    Least squares: for a given exponent it is a line in `n^-c`, so the exponent alone is searched. The bootstrap draws
    tasks, the same ones for all sizes, and training seeds, anew for each size; with two or three seeds that is too
    narrow, as any statement from two or three seeds is.

    The fit is declared unsound, with a reason, where there are too few sizes, where more data do not help, where the
    exponent lies at an end of its range (in the fit or in more than a tenth of the resamples), or where the points lie
    away from the curve.

    Args:
        sizes: number of training classes, tasks, ...
        values: for each size the metric, `(S, T)`: training seeds and tasks, the same tasks everywhere.
        higher_is_better: True for accuracy.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ConfigurationError: if sizes and values do not fit together.

    Source: Cortes et al. 1994, "Learning curves: asymptotic values and rate of convergence", for the form; Efron and
    Tibshirani 1993, chapter 9, for the bootstrap.

    >>> n = np.array([10.0, 20, 40, 80, 160])
    >>> found = power_law(n, [np.full((1, 4), 0.9 - 0.8 * size**-0.5) for size in n], True, resamples=20)
    >>> round(found.plateau[0], 2), round(found.exponent[0], 1)
    (0.9, 0.5)
    """
    n = np.asarray(sizes, dtype=float)
    if len(n) != len(values) or (n <= 0).any() or len(set(n.tolist())) != len(n):
        raise ConfigurationError(f"Expected values for each of different positive sizes; got sizes {list(sizes)}.")
    if len(n) < LEAST_SIZES:
        return PowerLaw(f"{len(n)} sizes are too few for a curve of three numbers; measure {LEAST_SIZES} or more")
    order = np.argsort(n)
    n, tables = n[order], [np.atleast_2d(values[i]) for i in order]
    points = np.array([table.mean() for table in tables])
    if not np.isfinite(points).all():
        return PowerLaw("a training has diverged")
    plateau, gain, exponent = (float(part[0]) for part in _fitted(n, points[None]))
    distance = float(np.sqrt(np.mean((plateau - gain * n**-exponent - points) ** 2)))
    if (gain > 0) != higher_is_better or not gain:
        return PowerLaw("more data are not seen to help")
    if distance > FITS * float(np.ptp(points)):
        return PowerLaw("the points lie away from the curve: another seed would bend it")
    if not _inside(np.array([exponent]))[0]:
        return PowerLaw("no plateau is in sight, or all of the gain comes at once: the exponent is at an end")
    many = _fitted(n, _resampled(tables, resamples, seed))
    if _inside(many[2]).mean() < AGREE:
        return PowerLaw("resampled tasks and seeds give curves without a plateau")
    at = np.geomspace(n[0], 2 * n[-1], 41)
    curves = many[0][:, None] - many[1][:, None] * at ** -many[2][:, None]
    middle = plateau - gain * at**-exponent
    low, high = np.percentile(curves, [2.5, 97.5], axis=0)
    doubled = many[1] * (n[-1] ** -many[2] - (2 * n[-1]) ** -many[2])
    return PowerLaw(
        "",
        (plateau, *_ends(many[0])),
        gain,
        (exponent, *_ends(many[2])),
        [(float(x), float(y), float(a), float(b)) for x, y, a, b in zip(at, middle, low, high, strict=True)],
        (gain * float(n[-1] ** -exponent - (2 * n[-1]) ** -exponent), *_ends(doubled)),
        distance,
    )


def _fitted(n: Array, points: Array) -> tuple[Array, Array, Array]:
    """Plateau, gain and exponent for each row of `points` `(B, P)`."""
    best = np.full(len(points), np.inf)
    found = np.zeros((3, len(points)))
    centred = points - points.mean(1, keepdims=True)
    for exponent in EXPONENTS:
        x = n**-exponent
        around = x - x.mean()
        slope = centred @ around / (around @ around)
        left = ((centred - slope[:, None] * around) ** 2).sum(1)
        better = left < best
        best[better] = left[better]
        tried = np.stack([points.mean(1) - slope * x.mean(), -slope, np.full(len(points), exponent)])
        found[:, better] = tried[:, better]
    return found[0], found[1], found[2]


def _resampled(tables: list[Array], resamples: int, seed: int) -> Array:
    draw = np.random.default_rng(seed)
    tasks = tables[0].shape[1]
    weights = draw.multinomial(tasks, np.full(tasks, 1 / tasks), resamples) / tasks  # (B, T)
    columns = []
    for table in tables:
        count = len(table)
        seeds = draw.multinomial(count, np.full(count, 1 / count), resamples) / count  # (B, S)
        columns.append((seeds * (weights @ table.T)).sum(1))
    return np.stack(columns, 1)


def _inside(exponents: Array) -> NDArray[np.bool_]:
    return np.asarray((exponents > EXPONENTS[0]) & (exponents < EXPONENTS[-1]))


def _ends(many: Array) -> tuple[float, float]:
    low, high = np.percentile(many, [2.5, 97.5])
    return float(low), float(high)
