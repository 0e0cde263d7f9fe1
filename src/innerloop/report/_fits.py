"""Regression tasks on one input: the curve before and after a few examples, as small multiples."""

from __future__ import annotations

import numpy as np

from innerloop.report._html import Html, section, tag
from innerloop.report._numbers import axis_label
from innerloop.report._page import Fit, numbers
from innerloop.report._svg import Axis, Frame, axis

_LEAD = (
    "The points are all that the model is given of a task. The dashed line is what it said before, the full "
    "line after adapting to them; the pale line is the truth. Lines that leave the frame go on outside it."
)
_ROOM = 0.25
"""Share of the truth's range that is added above and below it; predictions beyond are cut off."""


def show_fits(fits: list[Fit]) -> Html:
    """The section with the fits, all on the same axes."""
    fits = [fit for fit in fits if len(numbers(fit.query_x)) > 1]
    if not fits:
        return Html("")
    x = _range([v for fit in fits for v in numbers(fit.query_x) + numbers(fit.support_x)])
    # the truth sets the scale, so that one wild prediction does not flatten all the others
    y = _range([v for fit in fits for v in numbers(fit.query_y) + numbers(fit.support_y)], _ROOM)
    return section("Look at some tasks", tag("div", *(_fit(fit, x, y) for fit in fits), class_="fits"), lead=_LEAD)


def _range(values: list[float], room: float = 0.05) -> Axis:
    finite = [v for v in values if np.isfinite(v)] or [0.0]
    pad = room * (max(finite) - min(finite))
    return axis(min(finite) - pad, max(finite) + pad, wanted=3)


def _fit(fit: Fit, x: Axis, y: Axis) -> Html:
    frame = Frame(x, y, height=130, cut=True)
    query = numbers(fit.query_x)
    order = sorted(range(len(query)), key=query.__getitem__)

    def course(values: list[float]) -> list[tuple[float, float]]:
        return [(query[i], values[i]) for i in order if np.isfinite(values[i])]

    truth, before, after = (numbers(v) for v in (fit.query_y, fit.before, fit.after))
    errors = [float(np.mean((np.array(v) - np.array(truth)) ** 2)) for v in (before, after)]
    given = list(zip(numbers(fit.support_x), numbers(fit.support_y), strict=True))
    said = f"{len(given)} points: squared error {errors[0]:.3g} before, {errors[1]:.3g} after"
    marks = [
        frame.line(course(truth), "truth"),
        frame.line(course(before), "before"),
        frame.line(course(after), "s0"),
    ]
    marks += [frame.dot(px, py, 4, "given", f"given: {px:.3g}, {py:.3g}") for px, py in given]
    drawing = frame.draw(
        f"{fit.title}. {said}", [m for m in marks if m], x_label="", y_label="",
        x_text=lambda v: axis_label(v, False), y_text=lambda v: axis_label(v, False),
    )  # fmt: skip
    return tag("figure", tag("h3", fit.title), drawing, tag("figcaption", said), class_="chart small")
