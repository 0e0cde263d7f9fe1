"""What the rows of a table cost: numbers side by side, and which rows nothing beats at their price."""

from __future__ import annotations

from innerloop.evaluation import Spent, pareto
from innerloop.evaluation._spent import MEASURED
from innerloop.evaluation._words import deviation, half, how_long, value
from innerloop.report._charts import charts
from innerloop.report._cost_picture import PRICES, picture_of_costs
from innerloop.report._family import family_style
from innerloop.report._html import Html, join, section, tag
from innerloop.report._page import Row, Table
from innerloop.report._table import ordered

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
        picture_of_costs(rows, best[name], title, price)
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
