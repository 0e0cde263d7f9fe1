"""Charts as SVG that fills any width while its text keeps its size.

Horizontal places are percentages, vertical ones pixels; only lines and areas sit in a stretched `viewBox`,
with strokes that do not scale. So the same chart is legible at 300 and at 1,000 pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from innerloop.report._html import Html, join, tag

WIDTH = 1000
"""Units across the stretched part of a chart."""


@dataclass(frozen=True)
class Axis:
    """A range of values with ticks.

    Attributes:
        low: its lower end.
        high: its upper end.
        ticks: values with a label.
        log: whether it is logarithmic.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, number: float) -> float:
        """Where a value lies, from 0 to 1; what is outside comes to the nearer end."""
        return min(1.0, max(0.0, self.beyond(number)))

    def beyond(self, number: float) -> float:
        """Where a value lies, also outside of the axis."""
        if self.log:
            return math.log(max(number, self.low) / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)


def axis(low: float, high: float, *, wanted: int = 5, log: bool = False, whole: bool = False) -> Axis:
    """An axis over a range, with about `wanted` ticks at round numbers.

    >>> axis(0.0, 1.0).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    >>> axis(0.05, 5.0, log=True).ticks
    (0.1, 0.3, 1.0, 3.0)
    """
    if log:
        if not high > low:
            low, high = low / 2, low * 2
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        stride = max(1, math.ceil((last - first) / (wanted + 1)))
        parts = (1, 3) if last - first < 4 else (1,)
        every = [float(f"{m}e{k}") for k in range(first, last + 1, stride) for m in parts]
        return Axis(low, high, tuple(v for v in every if low <= v <= high), True)
    if not high > low:
        reach = abs(low) / 2 or 0.5
        low, high = low - reach, high + reach
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda size: abs(math.log(size / rough)))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(low, high, tuple(round(k * step, 12) for k in range(first, last + 1)))


def percent(fraction: float) -> str:
    """A horizontal place."""
    return f"{100 * fraction:.2f}".rstrip("0").rstrip(".") + "%"


def text(x: float, y: float, content: str, *, name: str | None = None, align: str = "middle", dx: int = 0) -> Html:
    """A label at a fraction of the width and a height in pixels."""
    return tag("text", content, x=percent(x), y=f"{y:g}", dx=dx or None, text_anchor=align, class_=name)


def rule(x1: float, y1: float, x2: float, y2: float, name: str) -> Html:
    """A straight line."""
    return tag("line", x1=percent(x1), y1=f"{y1:g}", x2=percent(x2), y2=f"{y2:g}", class_=name)


@dataclass(frozen=True)
class Frame:
    """The area of a chart.

    Attributes:
        x: horizontal axis.
        y: vertical axis.
        height: pixels.
        cut: whether lines run out of the area and are cut there, instead of keeping to its edge.
    """

    x: Axis
    y: Axis
    height: int = 200
    cut: bool = False

    def down(self, number: float) -> float:
        """Pixels from the top of a value of the vertical axis."""
        return round(self.height * (1 - self.y.at(number)), 1)

    def line(self, points: Sequence[tuple[float, float]], name: str) -> Html:
        """A line through points."""
        return self._stretched(tag("path", d="M" + "L".join(map(self._point, points)), class_=f"line {name}"))

    def band(self, points: Sequence[tuple[float, float, float]], name: str) -> Html:
        """The area between two lines: (x, low, high)."""
        there = [self._point((x, high)) for x, _, high in points]
        back = [self._point((x, low)) for x, low, _ in reversed(points)]
        return self._stretched(tag("path", d="M" + "L".join([*there, *back]) + "Z", class_=f"band {name}"))

    def bar(self, left: float, right: float, top: float, name: str, title: str) -> Html:
        """A bar from the lower end up to `top`."""
        start, end, y = self.x.at(left), self.x.at(right), self.down(top)
        place = {"x": percent(start), "width": percent(max(0.0, end - start - 0.004)), "y": f"{y:g}"}
        return tag("rect", tag("title", title), height=f"{self.height - y:g}", class_=f"bar {name}", **place)

    def dot(self, x: float, y: float, radius: float, name: str, title: str) -> Html:
        """A round mark with a tooltip."""
        place = {"cx": percent(self.x.at(x)), "cy": f"{self.down(y):g}", "r": f"{radius:.3g}"}
        return tag("circle", tag("title", title), class_=f"dot {name}", **place)

    def draw(
        self,
        title: str,
        marks: Sequence[Html],
        *,
        x_label: str,
        y_label: str,
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
        above: Any = "",
    ) -> Html:
        """The chart with its axes; `title` says in words what it shows."""
        grid = [
            join(
                rule(0, self.down(t), 1, self.down(t), "grid"),
                text(0, self.down(t) + 4, y_text(t), align="end", dx=-8),
            )
            for t in self.y.ticks
        ]
        base = [text(self.x.at(t), self.height + 18, x_text(t)) for t in self.x.ticks]
        labels = [
            rule(0, self.height, 1, self.height, "axis"),
            text(1, self.height + 38, x_label, name="label", align="end"),
            text(0, -14, y_label + (", logarithmic" if self.y.log else ""), name="label", align="start"),
        ]
        drawing = tag(
            "svg", tag("title", title), *grid, *base, *labels, *marks,
            role="img", width="100%", height=self.height, aria_label=title,
        )  # fmt: skip
        return tag("div", above, drawing, class_="frame")

    def _point(self, point: tuple[float, float]) -> str:
        down = round(self.height * (1 - self.y.beyond(point[1])), 1) if self.cut else self.down(point[1])
        return f"{WIDTH * self.x.at(point[0]):.1f} {down:.7g}"

    def _stretched(self, content: Html) -> Html:
        size = {"viewBox": f"0 0 {WIDTH} {self.height}", "preserveAspectRatio": "none"}
        name = "cut" if self.cut else None
        return tag("svg", content, width="100%", height=self.height, class_=name, aria_hidden="true", **size)
