"""What a policy earns: over environment steps in training, and on test tasks after each round of adaptation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from innerloop.evaluation._words import half, value
from innerloop.report._charts import figure, legend
from innerloop.report._html import Html, join, section, tag
from innerloop.report._numbers import axis_label
from innerloop.report._svg import Frame, axis, rule, text

Pair = tuple[float, float]
"""A mean and the half-width of its 95 % interval."""


@dataclass(frozen=True, eq=False)
class Earnings:
    """Returns of a run of reinforcement learning.

    Attributes:
        caption: what the tasks are, in a sentence or two.
        rows: learners on the test tasks: name, and the return after 0, 1, ... rounds of adaptation.
        still: return of the trivial policy on them.
        oracle: return of whoever knows the task; None where nobody can say.
        validations: (environment steps, return before adaptation, after it, half-width of the latter's interval).
        floor: return of the trivial policy on the validation tasks; None: there was no validation.
    """

    caption: str
    rows: list[tuple[str, list[Pair]]]
    still: Pair
    oracle: Pair | None = None
    validations: list[tuple[int, float, float, float]] = field(default_factory=list)
    floor: float | None = None


def show_returns(shown: Earnings | None) -> Html:
    """A section with the table and the learning curve; nothing for a run of another kind."""
    if shown is None:
        return Html("")
    return section(
        "Return on test tasks",
        tag("div", _table(shown), class_="scroll"),
        tag("div", _chart(shown), class_="charts wide"),
        lead=shown.caption,
    )


def _table(shown: Earnings) -> Html:
    rounds = max(len(curve) for _, curve in shown.rows)
    after = ["before adaptation", *(f"after {k} round{'s' * (k != 1)}" for k in range(1, rounds))]
    head = tag("tr", *(tag("th", name, scope="col") for name in ["Learner", *after]))
    ends = [("trivial policy", shown.still)] + ([("task known", shown.oracle)] if shown.oracle is not None else [])
    body = []
    for name, curve in [*shown.rows, *((name, [pair]) for name, pair in ends)]:
        cells = [tag("td", _said(pair)) for pair in curve] + [tag("td", "-")] * (rounds - len(curve))
        body.append(tag("tr", tag("th", name, scope="row"), *cells))
    return tag("table", tag("thead", head), tag("tbody", *body), class_="costs")


def _said(pair: Pair) -> Html:
    mean, wide = pair
    return join(value(mean, False), tag("span", half(wide, False), class_="half"), by=" ")


def _chart(shown: Earnings) -> Html:
    points = [point for point in shown.validations if all(map(math.isfinite, point))]
    if len(points) < 2:
        return Html("")
    floor = shown.floor
    ends = [end for _, before, mean, wide in points for end in (before, mean - wide, mean + wide)]
    ends += [] if floor is None else [floor]
    pad = 0.08 * (max(ends) - min(ends)) or 0.05 * (abs(max(ends)) or 1)
    frame = Frame(axis(0, points[-1][0] / 1e6, wanted=4), axis(min(ends) - pad, max(ends) + pad), height=320)
    marks = [
        frame.band([(steps / 1e6, mean - wide, mean + wide) for steps, _, mean, wide in points], "s0"),
        frame.line([(steps / 1e6, mean) for steps, _, mean, _ in points], "s0"),
        frame.line([(steps / 1e6, before) for steps, before, _, _ in points], "s1"),
    ]
    if floor is not None:
        y = frame.down(floor)
        label = text(1, y - 5, f"trivial policy, {value(floor, False)}", align="end")
        marks += [rule(0, y, 1, y, "chance"), label]
    marks += [
        frame.dot(steps / 1e6, mean, 2.5, "s0", f"{steps:,} environment steps: {value(mean, False)}")
        for steps, _, mean, _ in points
    ]
    first, last = points[0], points[-1]
    said = (
        f"After adaptation from {value(first[2], False)} at {first[0]:,} environment steps to {value(last[2], False)} "
        f"at {last[0]:,}"
    )
    drawing = frame.draw(
        said, marks, above=legend(["after adaptation", "before"]), x_label="million environment steps",
        y_label="return on validation tasks", x_text=lambda v: axis_label(v, False),
        y_text=lambda v: axis_label(v, False),
    )  # fmt: skip
    return figure("Learning to learn", drawing, f"{said}. The band is the 95 % interval over tasks.")
