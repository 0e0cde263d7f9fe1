"""How numbers are said: the same in a sentence, a table, on an axis and in a tooltip.

`accuracy` is whether the metric is a share: it is said in percent, and differences of it in points.
"""

from __future__ import annotations

import math

from innerloop.evaluation._statistics import Difference, Interval

_SHARES = ("accuracy", "success", "HR@", "nDCG@", "sampled HR@", "sampled nDCG@")
"""How metrics from 0 to 1 begin of which more is better; all others are errors."""


def is_share(metric: str) -> bool:
    """Whether a metric is a share of what went well, rather than an error.

    >>> is_share("success"), is_share("nDCG@10"), is_share("squared error")
    (True, True, False)
    """
    return metric.startswith(_SHARES)


def value(number: float, accuracy: bool, digits: int = 4) -> str:
    """A value of a metric.

    Args:
        number: the value.
        accuracy: whether the metric is an accuracy.
        digits: of what is none.

    >>> value(0.8734, True), value(0.034567, False)
    ('87.3 %', '0.03457')
    """
    if not math.isfinite(number):
        return "no number"
    return f"{100 * number:.1f} %" if accuracy else f"{number:.{digits}g}"


def half(number: float, accuracy: bool) -> str:
    """The half-width of an interval, in percentage points or in units of the metric; empty if it is unknown.

    >>> half(0.0054, True)
    '± 0.5'
    """
    return f"± {deviation(number, accuracy)}" if math.isfinite(number) else ""


def result(found: Interval, accuracy: bool) -> str:
    """A mean with its interval.

    >>> result(Interval(0.8734, 0.0054), True)
    '87.3 % ± 0.5'
    """
    return f"{value(found.mean, accuracy)} {half(found.half, accuracy)}".strip()


def deviation(number: float, accuracy: bool) -> str:
    """A standard deviation or the half of an interval, without its unit.

    >>> deviation(0.0123, True), deviation(0.0123, False)
    ('1.2', '0.012')
    """
    return f"{100 * number:.1f}" if accuracy else f"{number:.2g}"


def points(accuracy: bool) -> str:
    """The unit of differences."""
    return " points" if accuracy else ""


def change(number: float, accuracy: bool) -> str:
    """A difference with its sign, without its unit.

    >>> change(0.061, True), change(-0.34567, False)
    ('+6.1', '-0.346')
    """
    return f"{100 * number:+.1f}" if accuracy else f"{number:+.3g}"


def difference(found: Difference, accuracy: bool, sign: int) -> tuple[str, str]:
    """A difference as a size, and its interval as seen from the side that `sign` names.

    >>> difference(Difference(-0.061, -0.068, -0.054), True, -1)
    ('6.1 points', '+5.4 to +6.8')
    """
    low, high = sorted((sign * found.low, sign * found.high))
    size = change(abs(found.mean), accuracy).removeprefix("+")
    return size + points(accuracy), f"{change(low, accuracy)} to {change(high, accuracy)}"


def counted(number: float, unit: str) -> str:
    """A number of things.

    >>> counted(1, "shots"), counted(1, "training classes"), counted(1_000, "training tasks")
    ('1 shot', '1 training class', '1,000 training tasks')
    """
    if number == 1:
        unit = unit.removesuffix("es") if unit.endswith("sses") else unit.removesuffix("s")
    return f"{number:,g} {unit}"


def how_long(seconds: float) -> str:
    """A time from microseconds to hours, with two or three digits: for what is compared.

    >>> [how_long(s) for s in (2.5e-5, 0.00312, 0.25, 4.2, 75, 4000)]
    ['25 µs', '3.1 ms', '250 ms', '4.2 s', '75 s', '67 min']
    """
    for limit, size, unit in ((1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms"), (120.0, 1.0, "s"), (7200.0, 60.0, "min")):
        if seconds < limit:
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds / 3600)} h"


def duration(seconds: float) -> str:
    """The wall time of a training, as on a clock.

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


def _digits(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"
