"""The table of results: every number beside its interval, on one axis."""

from __future__ import annotations

import math

from innerloop.evaluation._words import deviation, duration, half, points, result, value
from innerloop.report._family import family_name, family_style
from innerloop.report._html import Html, join, listing, section, tag
from innerloop.report._numbers import axis_label
from innerloop.report._page import Row, Table
from innerloop.report._svg import Axis, axis, percent, rule

_NORMS = {
    "batch": ("query batch", "transductive"),
    "support": ("support set", ""),
    "running": ("running averages", ""),
    "none": ("no norm layers", ""),
}
_RATIO_FOR_LOG = 30


def ordered(rows: list[Row]) -> list[Row]:
    """The rows, best first; a mean that is not a number comes last."""

    def key(row: Row) -> tuple[bool, float]:
        mean = row.evaluation.mean
        return math.isnan(mean), -mean if row.evaluation.higher_is_better else mean

    return sorted(rows, key=key)


def show_table(table: Table) -> Html:
    """A section with the table, the verdicts and what the tasks are."""
    if not table.rows:
        return Html("")
    rows = ordered(table.rows)
    scale = common_axis(rows, table.chance)
    accuracy = rows[0].evaluation.higher_is_better
    metric = rows[0].evaluation.metric
    said = metric.capitalize() if metric.islower() else metric
    better = "higher is better" if accuracy else "lower is better"
    heads = [
        ("Learner", "name"),
        (said, "number"),
        (f"95 % interval, {better}", "plot"),
    ]
    normed = any(row.evaluation.norm != "none" for row in rows)  # else the column says nothing
    heads += [("Training", "time"), *([("Normalised with", "norm")] if normed else [])]
    head = tag("tr", *(tag("th", h, scope="col", class_=c, role="columnheader") for h, c in heads), role="row")
    axis_row = tag(
        "tr",
        tag("td", class_="name", role="cell"),
        tag("td", class_="number", role="cell"),
        tag("td", _axis_labels(scale, table.chance, accuracy), class_="plot", role="cell"),
        tag("td", class_="time", role="cell"),
        *([tag("td", class_="norm", role="cell")] if normed else []),
        role="row",
        aria_hidden="true",
    )
    body = [_row(row, scale, table.chance, normed) for row in rows]
    drawn = tag(
        "table",
        tag("thead", head, role="rowgroup"),
        tag("tbody", *body, role="rowgroup"),
        tag("tfoot", axis_row, role="rowgroup"),
        class_="results",
        role="table",
        aria_label=table.title,
    )
    return section(
        table.title,
        listing([sentence(v) for v in table.verdicts], class_="verdicts"),
        drawn,
        lead=table.caption,
    )


def common_axis(rows: list[Row], chance: float | None) -> Axis:
    """One axis for all rows, from the lowest to the highest interval and chance."""
    ends = [] if chance is None else [chance]
    for row in rows:
        mean, width = row.evaluation.interval
        if math.isfinite(mean):
            width = width if math.isfinite(width) else 0.0
            ends += [mean - width, mean + width]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if rows[0].evaluation.higher_is_better:
        pad = 0.06 * (high - low) or 0.05
        found = axis(max(0.0, low - pad), min(1.0, high + pad))
        step = found.ticks[1] - found.ticks[0] if len(found.ticks) > 1 else 0.0
        # up to the next round number, so that the reader sees how much is missing
        return axis(found.low, min(1.0, found.ticks[-1] + step)) if step else found
    means = [row.evaluation.mean for row in rows if math.isfinite(row.evaluation.mean)]
    if means and min(means) > 0 and max(means) / min(means) > _RATIO_FOR_LOG:
        return axis(max(low, min(means) / 3) / 1.5, high * 1.5, log=True)
    return axis(min(0.0, low), high * 1.05 or 1.0)


def _row(row: Row, scale: Axis, chance: float | None, normed: bool) -> Html:
    evaluation = row.evaluation
    mean, width = evaluation.interval
    accuracy = evaluation.higher_is_better
    family, kind = family_style(row.family), family_name(row.family)
    name = [
        tag("span", evaluation.name, class_="who"),
        tag("span", "this run", class_="tag") if row.highlight and evaluation.spread is None else "",
        tag("span", tag("i", class_=f"swatch {family}", aria_hidden="true"), kind, class_="kind"),
        tag("span", row.note, class_="note") if row.note else "",
    ]
    if evaluation.spread is not None:
        size = deviation(evaluation.spread, accuracy) + points(accuracy)
        name.append(tag("span", f"mean of {len(evaluation.seeds)} trainings, sd {size}", class_="note"))
    count, units = len(evaluation.values), evaluation.units
    over = f"{count:,} {units}" if count != 1 else f"one {units.removesuffix('s')}"
    number = join(value(mean, accuracy), tag("span", half(width, accuracy) or over, class_="half"), by=" ")
    trained = _trained(row.trained_seconds)
    cells = [
        tag("th", *name, scope="row", class_="name", role="rowheader"),
        tag("td", number, class_="number", role="cell"),
        tag("td", _interval(row, scale, chance, family), class_="plot", role="cell"),
        tag("td", trained, class_="time" if row.trained_seconds else "time none", role="cell"),
    ]
    if normed:
        who, warning = _NORMS.get(evaluation.norm, (evaluation.norm, ""))
        norm = join(who, tag("span", warning, class_="warn") if warning else "", by=" ")
        cells.append(tag("td", norm, class_="norm", role="cell"))
    return tag("tr", *cells, role="row", class_="own" if row.highlight else None)


def _trained(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    return duration(seconds) if seconds else "nothing trained"


def _interval(row: Row, scale: Axis, chance: float | None, family: str) -> Html:
    mean, width = row.evaluation.interval
    lines = [
        tag("line", x1=percent(scale.at(t)), x2=percent(scale.at(t)), y1="0", y2="100%", class_="grid")
        for t in scale.ticks
    ]
    if chance is not None:
        guess = percent(scale.at(chance))
        lines.append(tag("line", x1=guess, x2=guess, y1="0", y2="100%", class_="chance"))
    if len(row.evaluation.seeds) > 1:
        for seed, each in row.evaluation.seeds:
            if math.isfinite(each):
                at = percent(scale.at(each))
                said = tag("title", f"training seed {seed}: {value(each, row.evaluation.higher_is_better)}")
                lines.append(tag("line", said, x1=at, x2=at, y1="34%", y2="66%", class_=f"seed {family}"))
    if math.isfinite(mean):
        if math.isfinite(width):
            place = {"x1": percent(scale.at(mean - width)), "x2": percent(scale.at(mean + width))}
            lines.append(tag("line", y1="50%", y2="50%", class_=f"range {family}", **place))
        radius = "4.5" if row.highlight else "3.5"
        lines.append(tag("circle", cx=percent(scale.at(mean)), cy="50%", r=radius, class_=f"dot {family}"))
    number = result(row.evaluation.interval, row.evaluation.higher_is_better)
    title = tag("title", f"{row.evaluation.name}: {number}")
    return tag("svg", title, *lines, aria_hidden="true")


def _axis_labels(scale: Axis, chance: float | None, accuracy: bool) -> Html:
    parts = [
        tag("text", axis_label(t, accuracy), x=percent(scale.at(t)), y="18", text_anchor="middle") for t in scale.ticks
    ]
    if chance is not None:
        place = scale.at(chance)
        said = f"guessing, {value(chance, accuracy)}"
        align = "end" if place > 0.6 else "start"
        dx = {"start": 6, "end": -6}.get(align)
        parts += [
            rule(place, 26, place, 40, "chance"),
            tag("text", said, x=percent(place), y="38", dx=dx, text_anchor=align),
        ]
    if scale.log:
        parts.append(tag("text", "logarithmic", x="100%", y="38", text_anchor="end"))
    return tag("svg", *parts, height="42", width="100%", aria_hidden="true")


def sentence(verdict: str) -> str:
    """A verdict as a sentence: with a capital and a full stop."""
    said = verdict.strip()
    said = "N" + said[1:] if said.startswith("no difference") else said
    return said if said.endswith((".", "!", "?")) else said + "."
