"""How numbers are written: the same in a table, on an axis and in a tooltip."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from innerloop.evaluation import Evaluation


def value(number: float, accuracy: bool) -> str:
    """A value of a metric.

    >>> value(0.8734, True), value(0.034567, False)
    ('87.3 %', '0.03457')
    """
    if not math.isfinite(number):
        return "no number"
    return f"{100 * number:.1f} %" if accuracy else f"{number:.4g}"


def half(number: float, accuracy: bool) -> str:
    """The half-width of an interval, in percentage points or in units of the metric; empty if it is unknown.

    >>> half(0.0054, True)
    '± 0.5'
    """
    if not math.isfinite(number):
        return ""
    return f"± {100 * number:.1f}" if accuracy else f"± {number:.2g}"


def result(evaluation: Evaluation) -> str:
    """Mean and interval in one line."""
    mean, width = evaluation.interval
    accuracy = evaluation.higher_is_better
    return f"{value(mean, accuracy)} {half(width, accuracy)}".strip()


def duration(seconds: float) -> str:
    """A wall time.

    >>> [duration(s) for s in (0.31, 4.04, 75, 4000)]
    ['0.3 s', '4 s', '1 min 15 s', '1 h 7 min']
    """
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def axis_label(number: float, accuracy: bool) -> str:
    """A tick's label.

    >>> axis_label(0.4, True), axis_label(1500.0, False)
    ('40 %', '1,500')
    """
    if accuracy:
        return f"{100 * number:.4g} %"
    if number == 0:
        return "0"
    if abs(number) >= 1e6 or abs(number) < 1e-3:
        return f"{number:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{number:,.4g}" if abs(number) < 1000 else f"{number:,.0f}"
