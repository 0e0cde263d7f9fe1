"""What the rows of a table cost: numbers side by side, and which rows nothing beats at their price."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from innerloop.evaluation import Spent, pareto
from innerloop.evaluation._spent import MEASURED
from innerloop.evaluation._words import deviation, half, how_long, value
from innerloop.report._charts import charts, figure, value_axis
from innerloop.report._family import family_style
from innerloop.report._html import Html, join, section, tag
from innerloop.report._numbers import axis_label
from innerloop.report._page import Row, Table
from innerloop.report._svg import Axis, Frame, axis, text
from innerloop.report._table import ordered

Price = Callable[[Spent], float | None]

PRICES: tuple[tuple[str, str, Price], ...] = (
    ("training", "training time", lambda spent: 0.0 if spent.untrained else spent.train_seconds),
    ("adapting", "time to adapt to one task", lambda spent: spent.adapt_seconds),
)
"""Name, what it is in words, and where it stands."""

_WIDE = 20
"""Ratio of the largest to the smallest price from which on an axis is logarithmic."""

_LEAD = (
    "A dot beside a time marks a row that nothing beats at its price: no other row is as good and as cheap, and better "
    "in one of the two. Means are compared, without their intervals."
)


def fronts(rows: list[Row]) -> dict[str, list[str]]:
    """For each price the names of the rows that are not dominated, cheapest first."""
    found = {}
    for name, _, price in PRICES:
        points = {}
        for row in rows:
            paid = None if row.spent is None else price(row.spent)
            if paid is not None:
                mean = row.evaluation.mean
                points[row.evaluation.name] = (paid, -mean if row.evaluation.higher_is_better else mean)
        found[name] = pareto(points)
    return found


def show_costs(table: Table) -> Html:
    """The section about costs; nothing if none were measured."""
    rows = [row for row in ordered(table.rows) if row.spent is not None]
    if not rows:
        return Html("")
    best = fronts(rows)
    drawn = tag("div", _table(rows, best), class_="scroll")
    pictures = [
        _picture(rows, best[name], title, price)
        for (name, _, price), title in zip(PRICES, ("At the price of training", "At the price of a task"), strict=True)
    ]
    key = tag("ol", *(tag("li", _name(row)) for row in rows), class_="numbered")
    return section("What it costs", drawn, charts(*pictures), key, tag("p", MEASURED, class_="how"), lead=_LEAD)


def megabytes(count: int | None) -> str:
    """Bytes as megabytes.

    >>> megabytes(1_234_567), megabytes(2_000), megabytes(None)
    ('1.2 MB', '0.002 MB', '-')
    """
    if count is None:
        return "-"
    size = count / 1e6
    return f"{size:,.0f} MB" if size >= 10 else f"{size:.2g} MB"


def many(count: float | None) -> str:
    """A large whole number.

    >>> many(12_800), many(3_456_789), many(0), many(None)
    ('12,800', '3.5 million', '0', '-')
    """
    if count is None:
        return "-"
    return f"{count / 1e6:,.1f} million" if count >= 1e6 else f"{count:,.0f}"


def _table(rows: list[Row], best: dict[str, list[str]]) -> Html:
    heads = ["", "Learner", rows[0].evaluation.metric.capitalize(), "Seeds", "Training", "Outer steps", "Labels drawn"]
    heads += ["Memory of a step", "Adapting to a task", "Its memory", "What a task leaves"]
    body = []
    for number, row in enumerate(rows, 1):
        spent, evaluation = row.spent or Spent(), row.evaluation
        name, accuracy = evaluation.name, evaluation.higher_is_better
        trained = "nothing" if spent.untrained else "-"
        trained = trained if spent.train_seconds is None else how_long(spent.train_seconds)
        adapting = "-" if spent.adapt_seconds is None else how_long(spent.adapt_seconds)
        cells = [
            tag("td", number, class_="place"),
            tag("th", name, scope="row"),
            tag("td", join(value(evaluation.mean, accuracy), _half(row), by=" ")),
            tag("td", _seeds(row)),
            tag("td", trained, _mark(name in best["training"])),
            tag("td", many(spent.train_steps)),
            tag("td", many(spent.train_labels)),
            tag("td", megabytes(spent.train_bytes)),
            tag("td", adapting, _mark(name in best["adapting"])),
            tag("td", megabytes(spent.adapt_bytes)),
            tag("td", f"{many(spent.adapted)} {_left(spent)}"),
        ]
        body.append(tag("tr", *cells))
    head = tag("tr", *(tag("th", name, scope="col", class_=None if name else "place") for name in heads))
    return tag("table", tag("thead", head), tag("tbody", *body), class_="costs")


def _left(spent: Spent) -> str:
    return {"parameters": "parameters", "state": "numbers"}.get(spent.adapted_is, "")


def _half(row: Row) -> Html:
    return tag("span", half(row.evaluation.interval.half, row.evaluation.higher_is_better), class_="half")


def _seeds(row: Row) -> str:
    found, spread = row.evaluation.seeds, row.evaluation.spread
    if spread is None:
        return "one" if found else "-"
    return f"{len(found)}, sd {deviation(spread, row.evaluation.higher_is_better)}"


def _mark(here: bool) -> Html:
    return tag("i", tag("span", " not beaten", class_="hidden"), class_="front") if here else Html("")


def _name(row: Row) -> Html:
    return join(tag("i", class_=f"swatch {family_style(row.family)}", aria_hidden="true"), row.evaluation.name)


def _picture(rows: list[Row], front: list[str], title: str, price: Price) -> Html:
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
