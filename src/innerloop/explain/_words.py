"""What findings say beside what every result says (`innerloop.evaluation._words`)."""

from __future__ import annotations

import math

from innerloop.evaluation import Difference, Interval
from innerloop.evaluation._words import difference


def share(number: float) -> str:
    """A part of a whole, in percent with about two digits.

    >>> share(0.5234), share(0.01234), share(0.000123), share(1.5)
    ('52 %', '1.2 %', '0.012 %', '150 %')
    """
    if not math.isfinite(number):
        return "no number"
    percent = 100 * number
    return f"{percent:.0f} %" if abs(percent) >= 10 or percent == 0 else f"{percent:.2g} %"


def plus_minus(found: Interval) -> str:
    """A mean with its interval.

    >>> plus_minus(Interval(0.5, 0.01))
    '0.500 ± 0.010'
    """
    half = f" ± {found.half:.3f}" if math.isfinite(found.half) else ""
    return f"{found.mean:.3f}{half}" if math.isfinite(found.mean) else "no number"


def by(found: Difference, metric: str) -> str:
    """The size of a difference with its interval, whichever its sign.

    >>> by(Difference(-0.05, -0.07, -0.03), "accuracy")
    '5.0 points (95 % interval +3.0 to +7.0)'
    """
    size, between = difference(found, metric == "accuracy", -1 if found.mean < 0 else 1)
    return f"{size} (95 % interval {between})"


def better(found: Difference, metric: str) -> bool:
    """Whether a seen difference is to the better."""
    return found.seen and (found.mean > 0) == (metric == "accuracy")


def worse(found: Difference, metric: str) -> bool:
    """Whether a seen difference is to the worse."""
    return found.seen and (found.mean > 0) != (metric == "accuracy")


def steps(count: int) -> str:
    """A number of inner steps.

    >>> steps(1), steps(3)
    ('1 step', '3 steps')
    """
    return f"{count} step{'s' * (count != 1)}"
