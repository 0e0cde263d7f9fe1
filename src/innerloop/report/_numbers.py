"""How the ticks of an axis are labelled."""

from __future__ import annotations


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
