"""The section about what adaptation changes and which examples matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from innerloop.evaluation._words import half, value
from innerloop.report._charts import charts, figure, legend, value_axis
from innerloop.report._dots import Dot, Line, dot_chart
from innerloop.report._html import Html, listing, section, tag
from innerloop.report._influences import show_influences
from innerloop.report._layers import freezing_chart, movement_chart, rates_chart, similarity_chart
from innerloop.report._numbers import axis_label
from innerloop.report._page import InfluenceView
from innerloop.report._svg import Frame, axis, rule, text

if TYPE_CHECKING:
    from innerloop.evaluation import Interval
    from innerloop.explain import (
        Alignment,
        CalibrationCourse,
        Explanation,
        Influence,
        Memorisation,
        OverAdaptation,
    )


def show_explanation(found: Explanation | None, influences: list[InfluenceView]) -> Html:
    """The section; nothing where there is no explanation."""
    if found is None:
        return Html("")
    own = [
        found.movement and movement_chart(found.movement),
        found.freezing and freezing_chart(found.freezing),
        found.similarity and similarity_chart(found.similarity),
        found.learned_rates and rates_chart(found.learned_rates),
        found.memorisation and _memorisation(found.memorisation),
        found.over_adaptation and _over_adaptation(found.over_adaptation),
        found.calibration and _calibration(found.calibration),
        found.influence and _influence(found.influence),
        found.alignment and _alignment(found.alignment),
    ]
    lead = (
        f"{found.tasks:,} {found.source.get('split', '')} tasks, learned over and over: with layers frozen, with "
        "labels shuffled, without single examples. Intervals are 95 % over tasks, for this one training."
    )
    missing = [f"{name.replace('_', ' ').capitalize()}: {reason}" for name, reason in found.undefined.items()]
    rest = tag("div", tag("h3", "Not defined for this learner"), listing(missing), class_="notes missing")
    return section(
        "What adaptation changes, and which examples matter",
        charts(*(each for each in own if each)),
        show_influences(influences),
        rest if missing else "",
        lead=lead,
        name="explained",
    )


def _memorisation(found: Memorisation) -> Html:
    accuracy = found.metric == "accuracy"
    rows = (("as they are", found.right), ("shuffled in the task", found.shuffled), ("of another task", found.swapped))
    ends = [end for _, each in rows for end in (each.low, each.high, each.mean)] + [found.chance]
    known = [end for end in ends if math.isfinite(end)]
    if not known:
        return Html("")
    drawing = dot_chart(
        " ".join(found.sentences),
        [Line(f"Support set {name}", [_dot(name, each, accuracy)]) for name, each in rows],
        value_axis(min(known), max(known), accuracy),
        x_label=found.metric,
        x_text=lambda v: axis_label(v, accuracy),
        rules=[(found.chance, "chance")],
    )
    line = "chance" if accuracy else "the error of the mean target"
    return _rows("Does it read the support set?", drawing, " ".join(found.sentences) + f" Dashed: {line}.")


def _over_adaptation(found: OverAdaptation) -> Html:
    accuracy = found.metric == "accuracy"
    points = [
        (k, each.mean, each.half if math.isfinite(each.half) else 0.0)
        for k, each in enumerate(found.curve)
        if math.isfinite(each.mean)
    ]
    if not points:
        return Html("")
    ends = [end for _, m, h in points for end in (m - h, m + h)]
    low = min(ends) if accuracy else max(min(ends), min(m for _, m, _ in points) / 2)
    frame = Frame(axis(0, len(found.curve) - 1, whole=True), value_axis(low, max(ends), accuracy))
    marks = [frame.band([(k, m - h, m + h) for k, m, h in points], "s0")]
    marks.append(frame.line([(k, m) for k, m, _ in points], "s0"))
    marks += [frame.dot(k, m, 2.5, "s0", f"{k} steps: {value(m, accuracy)} {half(h, accuracy)}") for k, m, h in points]
    x = frame.x.at(found.best)
    align, dx = ("end", -7) if x > 0.6 else ("start", 7)
    marks += [
        rule(x, 0, x, frame.height, "chance"),
        text(x, frame.height - 9, f"best after {found.best}", align=align, dx=dx),
    ]
    said = f"{' '.join(found.sentences)} It takes {found.own} when it is used."
    drawing = frame.draw(
        said, marks, x_label="inner steps", y_label=f"{found.metric} on query examples",
        x_text=lambda v: f"{v:g}", y_text=lambda v: axis_label(v, accuracy),
    )  # fmt: skip
    more = " The best step was chosen on every second task, and judged on the others."
    return figure("How many steps are too many?", drawing, said + more)


def _calibration(found: CalibrationCourse) -> Html:
    if len(found.states) < 2:
        return Html("")
    lines = {
        "calibration error": [state.error for state in found.states],
        "Brier score": [state.brier.mean for state in found.states],
    }
    every = [v for line in lines.values() for v in line]
    if not all(map(math.isfinite, every)):
        return Html("")
    frame = Frame(axis(0, len(found.states) - 1, whole=True), axis(0.0, max(every) * 1.08))
    marks = []
    for place, (name, line) in enumerate(lines.items()):
        marks.append(frame.line(list(enumerate(line)), f"s{place}"))
        marks += [frame.dot(k, v, 2.5, f"s{place}", f"{name} after {k} steps: {v:.3f}") for k, v in enumerate(line)]
    first, last = found.states[0], found.states[-1]
    said = (
        f"{' '.join(found.sentences)} Negative log-likelihood {first.likelihood.mean:.3f} before and "
        f"{last.likelihood.mean:.3f} after; Brier score {first.brier.mean:.3f} and {last.brier.mean:.3f}."
    )
    drawing = frame.draw(
        said, marks, above=legend(list(lines)), x_label="inner steps", y_label="0 is best",
        x_text=lambda v: f"{v:g}", y_text=lambda v: f"{v:g}",
    )  # fmt: skip
    return figure("Is its confidence right, step by step?", drawing, said)


def _influence(found: Influence) -> Html:
    every = np.array([v for task in found.examples for v in task.changes if math.isfinite(v)])
    if len(every) < 10 or not np.ptp(every) > 0:
        return Html("")
    low, high = (float(v) for v in np.percentile(every, [1, 99]))
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        return Html("")
    edges = np.linspace(low, high, 25)
    count = np.histogram(np.clip(every, low, high), edges)[0]
    frame = Frame(axis(low, high, wanted=4), axis(0, float(count.max()) * 1.08, whole=True, wanted=4))
    marks = [
        frame.bar(left, right, float(n), "s0", f"{n} examples from {left:.3g} to {right:.3g}")
        for left, right, n in zip(edges[:-1], edges[1:], count, strict=True)
    ]
    x = frame.x.at(0.0)
    align, dx = ("end", -6) if x > 0.5 else ("start", 6)
    marks += [rule(x, -4, x, frame.height, "mean"), text(x, 8, "no change", name="strong", align=align, dx=dx)]
    said = f"{' '.join(found.sentences)} Examples left of the line harm."
    drawing = frame.draw(
        said, marks, x_label="change of the query loss without it", y_label="support examples",
        x_text=lambda v: axis_label(v, False), y_text=lambda v: f"{v:,.0f}",
    )  # fmt: skip
    return figure("What one example is worth", drawing, said + " The outer bars hold the last percent on either side.")


def _alignment(found: Alignment) -> Html:
    rows = (("Support and query of a task", found.within), ("Queries of two tasks", found.across))
    known = [end for _, each in rows for end in (each.low, each.high, each.mean) if math.isfinite(end)]
    if not known:
        return Html("")
    lines = [
        Line(name, [Dot(each.mean, each.low, each.high, "s0", f"{name}: cosine {each.mean:.3f}")])
        for name, each in rows
    ]
    drawing = dot_chart(
        " ".join(found.sentences), lines, axis(min(-0.1, *known), max(1.0, *known)),
        x_label="cosine of gradients", x_text=lambda v: f"{v:g}", rules=[(0.0, "mean")],
    )  # fmt: skip
    return _rows("Do gradients point the same way?", drawing, " ".join(found.sentences))


def _dot(name: str, found: Interval, accuracy: bool) -> Dot:
    title = f"support set {name}: {value(found.mean, accuracy)} {half(found.half, accuracy)}".strip()
    return Dot(found.mean, found.low, found.high, "s0", title)


def _rows(title: str, drawing: Html, caption: str) -> Html:
    return tag("figure", tag("h3", title), drawing, tag("figcaption", caption), class_="chart rows")
