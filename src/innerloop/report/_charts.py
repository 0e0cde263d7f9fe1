"""The charts about one evaluation: adaptation, spread over tasks, reliability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from innerloop.evaluation._words import value
from innerloop.report._html import Html, join, tag
from innerloop.report._numbers import axis_label
from innerloop.report._svg import Axis, Frame, axis, percent, rule, text

if TYPE_CHECKING:
    from innerloop.evaluation import Evaluation

SERIES = 5
"""Line styles in the style sheet."""


def figure(title: str, drawing: Html, caption: str) -> Html:
    """A chart with its heading and what it says."""
    return tag("figure", tag("h3", title), drawing, tag("figcaption", caption), class_="chart")


def legend(names: list[str]) -> Html:
    """Which line is which; nothing for a single one."""
    if len(names) < 2:
        return Html("")
    keys = []
    for place, name in enumerate(names):
        stroke = tag("line", x1="0", x2="22", y1="5", y2="5", class_=f"line s{place % SERIES}")
        keys.append(tag("li", tag("svg", stroke, width="22", height="10", aria_hidden="true"), name))
    return tag("ul", *keys, class_="legend")


def value_axis(low: float, high: float, accuracy: bool) -> Axis:
    """An axis for values of a metric: accuracy stays within 0 and 1, an error begins at 0."""
    pad = 0.08 * (high - low) or 0.05 * (abs(high) or 1)
    if accuracy:
        return axis(max(0.0, low - pad), min(1.0, high + pad))
    if low > 0 and high / low > 50:
        return axis(low / 1.3, high * 1.3, log=True)
    return axis(0.0, high + pad)


def adaptation(curves: Mapping[str, Evaluation]) -> Html:
    """The metric after 0, 1, 2, ... inner steps."""
    curves = {name: found for name, found in curves.items() if len(found.curve) > 1}
    if not curves:
        return Html("")
    first = next(iter(curves.values()))
    accuracy = first.higher_is_better
    points = {
        n: [(k, m, h if math.isfinite(h) else 0.0) for k, (m, h) in enumerate(e.curve)] for n, e in curves.items()
    }
    ends = [end for line in points.values() for _, m, h in line for end in (m - h, m + h)]
    means = [m for line in points.values() for _, m, _ in line]
    low = min(ends) if accuracy else max(min(ends), min(means) / 2)
    most = max(len(e.curve) for e in curves.values()) - 1
    frame = Frame(axis(0, most, whole=True), value_axis(low, max(ends), accuracy))
    marks, trained = [], set()
    for place, (name, found) in enumerate(curves.items()):
        line, style = points[name], f"s{place % SERIES}"
        marks += [
            frame.band([(k, m - h, m + h) for k, m, h in line], style),
            frame.line([(k, m) for k, m, _ in line], style),
        ]
        for k, m, _ in line:
            at_training = k == found.trained_steps
            steps = f"{k} inner step{'s' * (k != 1)}"
            title = f"{name}, {steps}: {value(m, accuracy)}" + (", as in training" if at_training else "")
            marks.append(frame.dot(k, m, 5 if at_training else 2.5, f"{style} ring" if at_training else style, title))
        if found.trained_steps is not None and found.trained_steps < len(line):
            trained.add(found.trained_steps)
    for count in sorted(trained):
        x = frame.x.at(count)
        align, dx = ("end", -7) if x > 0.6 else ("start", 7)
        label = text(x, frame.height - 9, f"{count} in training", align=align, dx=dx)
        marks = [rule(x, 0, x, frame.height, "chance"), label, *marks]
    name, line = next(iter(points.items()))
    said = f"{name}: {value(line[0][1], accuracy)} before its first step"
    if first.trained_steps is not None and first.trained_steps < len(line) - 1:
        said += f", {value(line[first.trained_steps][1], accuracy)} after {first.trained_steps} as in training"
    said += f", {value(line[-1][1], accuracy)} after {len(line) - 1}."
    drawing = frame.draw(
        said,
        marks,
        above=legend(list(curves)),
        x_label="inner steps",
        y_label=f"{first.metric} on query examples",
        x_text=lambda v: f"{v:g}",
        y_text=lambda v: axis_label(v, accuracy),
    )
    caption = f"{said} The band is the 95 % interval over {first.curve_tasks:,} tasks."
    return figure("Learning one new task", drawing, caption)


def spread(own: Evaluation) -> Html:
    """A histogram of the metric of single tasks."""
    values = own.values[np.isfinite(own.values)]
    if len(values) < 10:
        return Html("")
    accuracy = own.higher_is_better
    low, high = (float(values.min()), 1.0) if accuracy else (0.0, float(np.percentile(values, 99)))
    if accuracy:
        low = math.floor(20 * min(low, 0.95)) / 20
    edges = np.linspace(low, high if high > low else low + 1.0, (round((high - low) / 0.05) if accuracy else 24) + 1)
    # values such as 0.6 sit on an edge but for rounding
    count = np.histogram(np.minimum(values + 1e-9, edges[-1]), edges)[0]
    frame = Frame(axis(float(edges[0]), float(edges[-1])), axis(0, float(count.max()) * 1.08, whole=True, wanted=4))
    marks = []
    for left, right, n in zip(edges[:-1], edges[1:], count, strict=True):
        title = f"{n} tasks from {value(left, accuracy)} to {value(right, accuracy)}"
        marks.append(frame.bar(left, right, float(n), "s0", title))
    mean = float(values.mean())
    x = frame.x.at(mean)
    align, dx = ("end", -6) if x > 0.5 else ("start", 6)
    marks += [
        rule(x, -4, x, frame.height, "mean"),
        text(x, 8, f"mean {value(mean, accuracy)}", name="strong", align=align, dx=dx),
    ]
    worst = float(np.percentile(values, 10 if accuracy else 90))
    best = float(values.max() if accuracy else values.min())
    said = (
        f"The mean hides this: in the worst tenth of the tasks it is {value(worst, accuracy)} or "
        f"{'less' if accuracy else 'more'}, in the best task {value(best, accuracy)}. {len(values):,} tasks."
    )
    if not accuracy:
        said += " The last bar also holds the one percent of tasks beyond it."
    drawing = frame.draw(
        f"histogram of {own.metric} over tasks. {said}", marks,
        x_label=f"{own.metric} of a task", y_label="tasks",
        x_text=lambda v: axis_label(v, accuracy), y_text=lambda v: f"{v:,.0f}",
    )  # fmt: skip
    return figure("Task by task", drawing, said)


def reliability(own: Evaluation) -> Html:
    """Is a prediction made with 80 % confidence right 80 % of the time?"""
    found = own.calibration
    if found is None or not found.count:
        return Html("")
    frame = Frame(axis(0, 1), axis(0, 1))
    most, total = max(found.count), sum(found.count)
    marks = [
        frame.line([(0, 0), (1, 1)], "ideal"),
        frame.line(list(zip(found.confidence, found.accuracy, strict=True)), "s0 thin"),
    ]
    for sure, right, n in zip(found.confidence, found.accuracy, found.count, strict=True):
        title = f"{n:,} predictions, mean confidence {value(sure, True)}, {value(right, True)} right"
        tall = 22 * n / most
        place = {"x": percent(max(0.0, sure - 0.012)), "y": f"{frame.height - tall:.1f}"}
        marks.append(tag("rect", tag("title", title), width="2.4%", height=f"{tall:.1f}", class_="bar count", **place))
        marks.append(frame.dot(sure, right, 2.5 + 5 * math.sqrt(n / most), "s0", title))
    gap = sum(n * (c - a) for c, a, n in zip(found.confidence, found.accuracy, found.count, strict=True)) / total
    word = "more" if gap > 0 else "less"
    said = (
        f"Confidence and accuracy differ by {100 * found.error:.1f} points on average "
        f"(expected calibration error); overall it is {abs(100 * gap):.1f} points {word} "
        f"confident than right. {total:,} predictions; the size of a dot and its grey bar show how many."
    )
    drawing = frame.draw(
        said, marks, x_label="confidence",
        y_label="how often right",
        x_text=lambda v: axis_label(v, True), y_text=lambda v: axis_label(v, True),
    )  # fmt: skip
    return figure("Does it know when it is unsure?", drawing, said)


def charts(*figures: Html) -> Html:
    """Charts side by side where there is room."""
    return tag("div", *figures, class_="charts") if any(figures) else join()
