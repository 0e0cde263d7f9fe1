"""The metric of a table's rows over what they cost, as a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from innerloop.evaluation import Spent
from innerloop.evaluation._words import how_long, value
from innerloop.report._charts import figure, value_axis
from innerloop.report._family import family_style
from innerloop.report._html import Html
from innerloop.report._numbers import axis_label
from innerloop.report._page import Row
from innerloop.report._svg import Axis, Frame, axis, text

Price = Callable[[Spent], float | None]

PRICES: tuple[tuple[str, str, Price], ...] = (
    ("training", "training time", lambda spent: 0.0 if spent.untrained else spent.train_seconds),
    ("adapting", "time to adapt to one task", lambda spent: spent.adapt_seconds),
)
"""Name, what it is in words, and where it stands."""

_WIDE = 20
"""Ratio of the largest to the smallest price from which on an axis is logarithmic."""


def picture_of_costs(rows: list[Row], front: list[str], title: str, price: Price) -> Html:
    """The metric over a price; the rows that nothing beats are joined by a line."""
    points = []
    for number, row in enumerate(rows, 1):
        paid = None if row.spent is None else price(row.spent)
        if paid is not None and math.isfinite(row.evaluation.mean):
            points.append((number, row, paid))
    if len(points) < 2:
        return Html("")
    accuracy = points[0][1].evaluation.higher_is_better
    means = [row.evaluation.mean for _, row, _ in points]
    x, nothing = _price_axis([paid for *_, paid in points])
    frame = Frame(x, value_axis(min(means), max(means), accuracy), height=260)
    at = {row.evaluation.name: (max(paid, x.low), row.evaluation.mean) for _, row, paid in points}
    marks = [frame.line(_stairs([at[name] for name in front]), "front")] if len(front) > 1 else []
    labels = _Labels(frame)
    for number, row, paid in points:
        name, family = row.evaluation.name, family_style(row.family)
        said = f"{number} {name}: {value(row.evaluation.mean, accuracy)}, {how_long(paid) if paid else 'nothing'}"
        radius = 6 if name in front else 4
        across, up = at[name]
        marks.append(frame.dot(across, up, radius, f"{family} {'kept' if name in front else 'beaten'}", said))
        marks.append(labels.near(across, up, str(number), "strong" if name in front else None))
    kept = ", ".join(front)
    drawing = frame.draw(
        f"{title}: not beaten are {kept}", marks,
        x_label=("training time" if price is PRICES[0][2] else "time to adapt to one task")
        + (", logarithmic" if x.log else ""),
        y_label=points[0][1].evaluation.metric,
        x_text=lambda v: "none" if v == nothing else how_long(v) if v else "0",
        y_text=lambda v: axis_label(v, accuracy),
    )  # fmt: skip
    return figure(title, drawing, f"Not beaten: {kept}.")


class _Labels:
    """Labels beside dots, each on the first side where it is not on another one."""

    WIDTH, ACROSS, DOWN = 400, 18, 13
    """Pixels: of a chart as it mostly is, and of a label."""

    def __init__(self, frame: Frame):
        self.frame = frame
        self.taken: list[tuple[float, float]] = []

    def near(self, across: float, up: float, content: str, name: str | None) -> Html:
        """The label of a dot."""
        x, y = self.WIDTH * self.frame.x.at(across), self.frame.down(up)
        sides = [("start", 10, 4), ("end", -10, 4), ("middle", 0, -10), ("middle", 0, 20)]
        sides += [("start", 10, 17), ("end", -10, 17), ("start", 10, -9), ("end", -10, -9)]
        if x > 0.93 * self.WIDTH:
            sides = [side for side in sides if side[0] != "start"]
        align, dx, dy = next((side for side in sides if self._free(x + side[1], y + side[2])), sides[0])
        self.taken.append((x + dx, y + dy))
        return text(self.frame.x.at(across), y + dy, content, name=name, align=align, dx=dx)

    def _free(self, x: float, y: float) -> bool:
        return all(abs(x - a) >= self.ACROSS or abs(y - b) >= self.DOWN for a, b in self.taken)


def _stairs(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Between two points one first pays more and gets no better."""
    found = points[:1]
    for (_, before), (across, up) in pairwise(points):
        found += [(across, before), (across, up)]
    return found


def _price_axis(paid: list[float]) -> tuple[Axis, float | None]:
    """An axis for prices; the second is the place that stands for a price of nothing on a logarithmic one."""
    some = [price for price in paid if price > 0]
    if not some or max(some) / min(some) < _WIDE:
        return axis(0.0, 1.08 * max(some, default=1.0), wanted=4), None
    free = len(some) < len(paid)
    low = min(some) / (4 if free else 1.5)
    found = axis(low, 1.5 * max(some), wanted=4, log=True)
    if not free:
        return found, None
    return Axis(low, found.high, (low, *(tick for tick in found.ticks if tick > 2 * low)), True), low
