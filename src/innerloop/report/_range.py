"""Learners over a range: the number of shots, of training classes, ..."""

from __future__ import annotations

import math

from innerloop.evaluation._words import counted, deviation, half, is_share, value
from innerloop.report._charts import figure, value_axis
from innerloop.report._family import family_style
from innerloop.report._html import Html, join, listing, section, tag
from innerloop.report._numbers import axis_label
from innerloop.report._page import Course, Range
from innerloop.report._svg import Axis, Frame, axis, rule, text
from innerloop.report._table import sentence

_DASHES = 6
"""Ways to draw a line in the style sheet: learners of one family share a colour."""


def show_range(shown: Range) -> Html:
    """A section with the verdicts, the chart and the numbers behind it."""
    courses = [course for course in shown.courses if course.points]
    if not courses:
        return Html("")
    places = sorted({x for course in courses for x, *_ in course.points})
    return section(
        shown.title,
        listing([sentence(verdict) for verdict in shown.verdicts], class_="verdicts"),
        tag("div", _chart(shown, courses, places), class_="charts wide"),
        tag("div", _table(shown, courses, places), class_="scroll"),
        listing(shown.notes, class_="remarks"),
        lead=shown.caption,
    )


def _chart(shown: Range, courses: list[Course], places: list[float]) -> Html:
    accuracy = is_share(shown.metric)
    means = [m for course in courses for _, m, _, _ in course.points if math.isfinite(m)]
    means += [mean for *_, mean in shown.levels if math.isfinite(mean)]
    if not means:
        return Html("")
    ends = means
    if accuracy:  # a share has its band between 0 and 1; that of an error may go far beyond
        drawn = [(m, h) for course in courses for _, m, h, _ in course.points if math.isfinite(m) and math.isfinite(h)]
        ends = [*means, *(max(0.0, m - h) for m, h in drawn), *(min(1.0, m + h) for m, h in drawn)]
    frame = Frame(_across(places), value_axis(min(ends), max(ends), accuracy), height=320)
    marks = []
    for name, _, mean in shown.levels:
        if math.isfinite(mean):
            marks += [
                rule(0, frame.down(mean), 1, frame.down(mean), "chance"),
                text(1, frame.down(mean) - 5, f"{name}, {value(mean, accuracy)}", align="end"),
            ]
    styles = _styles(courses)
    for course, style in zip(courses, styles, strict=True):
        finite = [point for point in course.points if math.isfinite(point[1])]
        if course.law is not None and course.law.sound:
            inside = [each for each in course.law.band if each[0] <= places[-1]]
            marks.append(frame.band([(x, low, high) for x, _, low, high in inside], style))
            marks.append(frame.line([(x, y) for x, y, *_ in inside], f"{style} thin"))
        else:
            wide = [(x, m - h, m + h) for x, m, h, _ in finite if math.isfinite(h)]
            marks += [frame.band(wide, style)] if len(wide) > 1 else []
        if len(finite) > 1:
            marks.append(frame.line([(x, m) for x, m, *_ in finite], style))
        for x, m, h, spread in finite:
            said = f"{course.name}, {counted(x, shown.unit)}: {value(m, accuracy)} {half(h, accuracy)}"
            said += f", standard deviation over seeds {deviation(spread, accuracy)}" if spread is not None else ""
            marks.append(frame.dot(x, m, 3, style, said))
    first = courses[0]
    said = f"{first.name}: {value(first.points[0][1], accuracy)} at {counted(first.points[0][0], shown.unit)}"
    said += f", {value(first.points[-1][1], accuracy)} at {first.points[-1][0]:,g}"
    label = f"{shown.unit}, logarithmic" if frame.x.log else shown.unit
    drawing = frame.draw(
        said, marks, above=_legend(courses, styles), x_label=label,
        y_label=f"{shown.metric} on test tasks", x_text=lambda v: f"{v:,g}",
        y_text=lambda v: axis_label(v, accuracy),
    )  # fmt: skip
    fitted = any(course.law is not None and course.law.sound for course in courses)
    band = "A band is the 95 % interval over tasks"
    band += "; where a curve was fitted, the interval of the curve." if fitted else "."
    return figure(f"{shown.metric.capitalize()} over {shown.unit}", drawing, band)


def _table(shown: Range, courses: list[Course], places: list[float]) -> Html:
    accuracy = is_share(shown.metric)
    heads = [tag("th", "Learner", scope="col"), *(tag("th", counted(x, shown.unit), scope="col") for x in places)]
    best = {
        x: (max if accuracy else min)(
            (p[1] for c in courses for p in c.points if p[0] == x and math.isfinite(p[1])), default=math.nan
        )
        for x in places
    }
    body = []
    for course in courses:
        at = {point[0]: point for point in course.points}
        cells = [tag("th", _swatched(course), scope="row")]
        for x in places:
            if x not in at:
                cells.append(tag("td", "-"))
                continue
            _, mean, width, spread = at[x]
            more = half(width, accuracy) + (f", sd {deviation(spread, accuracy)}" if spread is not None else "")
            number = join(value(mean, accuracy), tag("span", more, class_="half"), by=" ")
            cells.append(tag("td", number, class_="best" if mean == best[x] else None))
        body.append(tag("tr", *cells))
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body), class_="costs")


def _swatched(course: Course) -> Html:
    return join(tag("i", class_=f"swatch {family_style(course.family)}", aria_hidden="true"), course.name)


def _styles(courses: list[Course]) -> list[str]:
    """A colour for each family, another way of drawing for each learner of it."""
    seen: dict[str, int] = {}
    found = []
    for course in courses:
        family = family_style(course.family)
        found.append(f"{family} dash{seen.setdefault(family, 0) % _DASHES}")
        seen[family] += 1
    return found


def _legend(courses: list[Course], styles: list[str]) -> Html:
    keys = []
    for course, style in zip(courses, styles, strict=True):
        stroke = tag("line", x1="0", x2="28", y1="5", y2="5", class_=f"line {style}")
        keys.append(tag("li", tag("svg", stroke, width="28", height="10", aria_hidden="true"), course.name))
    return tag("ul", *keys, class_="legend")


def _across(places: list[float]) -> Axis:
    """An axis with a tick at every place: logarithmic if they span more than a few times the smallest."""
    low, high = places[0], places[-1]
    if low == high:
        return axis(low - 1, high + 1)
    return Axis(low, high, tuple(places), log=low > 0 and high / low > 4)
