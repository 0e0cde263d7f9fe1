"""A chart with a line for each name: values as dots with their intervals, all on one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from innerloop.report._html import Html, tag
from innerloop.report._svg import Axis, percent, rule, text

_HIGH = 44
"""Pixels of a line: its name, and its dots below."""
_NAME, _DOTS = 16, 31
"""Where in a line name and dots are."""


@dataclass(frozen=True)
class Dot:
    """A value.

    Attributes:
        value: where.
        low: lower end of its interval; not finite: none is drawn.
        high: upper end.
        style: class in the style sheet.
        title: what it is, in words.
        radius: pixels.
    """

    value: float
    low: float
    high: float
    style: str
    title: str
    radius: float = 4.5


@dataclass(frozen=True)
class Line:
    """A name with its values.

    Attributes:
        name: of the line.
        dots: its values; those that are no numbers are left out.
        note: said behind the name.
    """

    name: str
    dots: list[Dot] = field(default_factory=list)
    note: str = ""


def dot_legend(names: Sequence[tuple[str, str]]) -> Html:
    """Which dot is which: (style, name)."""
    keys = []
    for style, name in names:
        mark = tag("circle", cx="6", cy="6", r="4.5", class_=f"dot {style}")
        keys.append(tag("li", tag("svg", mark, width="12", height="12", aria_hidden="true"), name))
    return tag("ul", *keys, class_="legend")


def dot_chart(
    title: str,
    lines: Sequence[Line],
    x: Axis,
    *,
    x_label: str,
    x_text: Callable[[float], str],
    rules: Sequence[tuple[float, str]] = (),
    above: Any = "",
) -> Html:
    """The chart; `title` says in words what it shows, `rules` are vertical lines: (value, class)."""
    height = _HIGH * len(lines)
    marks = [rule(x.at(t), 0, x.at(t), height, "grid") for t in x.ticks]
    marks += [rule(x.at(v), 0, x.at(v), height, name) for v, name in rules if math.isfinite(v)]
    for place, line in enumerate(lines):
        top = _HIGH * place
        name = tag("tspan", line.name, class_="strong")
        note = tag("tspan", f" {line.note}") if line.note else ""
        marks.append(tag("text", name, note, x="0", y=f"{top + _NAME}", class_="label"))
        for dot in line.dots:
            marks += _dot(dot, x, top + _DOTS)
    marks += [text(x.at(t), height + 18, x_text(t)) for t in x.ticks]
    label = x_label + (", logarithmic" if x.log else "")
    marks += [rule(0, height, 1, height, "axis"), text(1, height + 38, label, name="label", align="end")]
    drawing = tag(
        "svg", tag("title", title), *marks, role="img", width="100%", height=height, aria_label=title
    )  # fmt: skip
    return tag("div", above, drawing, class_="frame")


def _dot(dot: Dot, x: Axis, y: float) -> list[Html]:
    if not math.isfinite(dot.value):
        return []
    marks = []
    if math.isfinite(dot.low) and math.isfinite(dot.high):
        ends = {"x1": percent(x.at(dot.low)), "x2": percent(x.at(dot.high)), "y1": f"{y:g}", "y2": f"{y:g}"}
        marks.append(tag("line", class_=f"range {dot.style}", **ends))
    place = {"cx": percent(x.at(dot.value)), "cy": f"{y:g}", "r": f"{dot.radius:g}"}
    return [*marks, tag("circle", tag("title", dot.title), class_=f"dot {dot.style}", **place)]
