"""What no other choice beats in two respects at once."""

from __future__ import annotations

import math
from collections.abc import Mapping


def pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of the points that are not dominated, cheapest first.

    A point is dominated by another one that is at least as good in both respects and better in one. Points that are
    equal in both stay together; what is not finite is left out. Means are compared as they are, without their
    intervals.

    Args:
        points: (cost, error) by name; less is better in both.

    >>> pareto({"slow and good": (9, 1), "quick": (1, 3), "slow and bad": (9, 2)})
    ['quick', 'slow and good']
    """
    finite = {name: point for name, point in points.items() if all(map(math.isfinite, point))}
    kept: list[str] = []
    best = math.inf
    last: tuple[float, float] | None = None
    for name in sorted(finite, key=finite.__getitem__):
        if finite[name] == last or finite[name][1] < best:
            kept.append(name)
            best, last = finite[name][1], finite[name]
    return kept
