"""The charts about the course of training."""

from __future__ import annotations

import numpy as np

from innerloop.evaluation._words import duration, half, value
from innerloop.report._charts import SERIES, figure, legend, value_axis
from innerloop.report._course import Learning
from innerloop.report._html import Html
from innerloop.report._numbers import axis_label
from innerloop.report._svg import Axis, Frame, axis

_POINTS = 200


def validation(learning: list[Learning]) -> Html:
    """The metric on validation tasks over the outer steps, with its interval."""
    shown = [one for one in learning if one.validations]
    if not shown:
        return Html("")
    # one chart, one metric: the first's
    shown = [one for one in shown if one.metric == shown[0].metric]
    accuracy = shown[0].metric == "accuracy"
    means = [m for one in shown for _, _, m, _ in one.validations]
    ends = [end for one in shown for _, _, m, h in one.validations for end in (m - h, m + h)]
    low = min(ends) if accuracy else max(min(ends), min(means) / 2)
    frame = Frame(_steps([v[0] for one in shown for v in one.validations]), value_axis(low, max(ends), accuracy))
    marks, said = [], []
    for place, one in enumerate(shown):
        style = f"s{place % SERIES}"
        marks += [
            frame.band([(step, m - h, m + h) for step, _, m, h in one.validations], style),
            frame.line([(step, m) for step, _, m, _ in one.validations], style),
        ]
        marks += [
            frame.dot(
                step,
                m,
                2.5,
                style,
                f"{one.name}, step {step:,}, {duration(s)}: {value(m, accuracy)} {half(h, accuracy)}",
            )
            for step, s, m, h in one.validations
        ]
        best = (max if accuracy else min)(one.validations, key=lambda v: v[2])
        said.append(f"{one.name}: best {value(best[2], accuracy)} at step {best[0]:,}, after {duration(best[1])}")
    drawing = frame.draw(
        ". ".join(said), marks, above=legend([one.name for one in shown]), x_label="outer steps",
        y_label=f"{shown[0].metric} on validation {shown[0].units}", x_text=lambda v: axis_label(v, False),
        y_text=lambda v: axis_label(v, accuracy),
    )  # fmt: skip
    return figure(
        "Learning to learn", drawing, ". ".join(said) + f". The band is the 95 % interval over {shown[0].units}."
    )


def losses(learning: list[Learning]) -> Html:
    """The training loss over the outer steps."""
    courses = [(one, _thinned([(step, loss) for step, _, loss in one.points if loss is not None])) for one in learning]
    shown = [(one, course) for one, course in courses if len(course) > 1]
    if not shown:
        return Html("")
    every = [loss for _, course in shown for _, loss in course]
    frame = Frame(_steps([one.points[-1][0] for one, _ in shown]), value_axis(min(every), max(every), False))
    marks = [frame.line(course, f"s{place % SERIES}") for place, (_, course) in enumerate(shown)]
    said = [f"{one.name}: from {course[0][1]:.3g} to {course[-1][1]:.3g}" for one, course in shown]
    said = [
        f"{text} in {duration(one.seconds)}" if one.seconds else text
        for text, (one, _) in zip(said, shown, strict=True)
    ]
    drawing = frame.draw(
        ". ".join(said), marks, above=legend([one.name for one, _ in shown]), x_label="outer steps",
        y_label=f"loss on training {shown[0][0].units}", x_text=lambda v: axis_label(v, False),
        y_text=lambda v: axis_label(v, False),
    )  # fmt: skip
    rest = " Losses of different learners are not comparable." if len(shown) > 1 else ""
    return figure("Training loss", drawing, ". ".join(said) + "." + rest)


def _steps(steps: list[int]) -> Axis:
    return axis(0, max(steps), wanted=4, whole=True)


def _thinned(course: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most `_POINTS` points, each the mean of its neighbours."""
    if len(course) <= _POINTS:
        return [(float(step), loss) for step, loss in course]
    parts = np.array_split(np.array(course, dtype=float), _POINTS)
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in parts]
