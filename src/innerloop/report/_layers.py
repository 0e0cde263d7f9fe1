"""The charts about layers: how far they move, which are needed, which change, and at which rates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from innerloop.evaluation._words import half, value
from innerloop.report._charts import value_axis
from innerloop.report._dots import Dot, Line, dot_chart, dot_legend
from innerloop.report._html import Html, tag
from innerloop.report._numbers import axis_label
from innerloop.report._svg import axis

if TYPE_CHECKING:
    from innerloop.evaluation import Interval
    from innerloop.explain import Freezing, Movement, Rates, Similarity

_MOST = 24
"""Lines of a chart; of more layers the first and the last are shown."""


def movement_chart(found: Movement) -> Html:
    """How far each layer moves, step by step."""
    lines, ends = [], []
    for layer in found.layers:
        dots = []
        for k, moved in enumerate(layer.relative, 1):
            last = k == len(layer.relative)
            if not layer.adapts or not math.isfinite(moved.mean):
                continue
            title = f"{layer.name}, step {k}: {value(moved.mean, True)} {half(moved.half, True)}"
            low, high = (moved.low, moved.high) if last else (math.nan, math.nan)
            dots.append(Dot(moved.mean, low, high, "s0", title, 4.5 if last else 2))
            ends += [moved.mean, *([moved.low, moved.high] if last and math.isfinite(moved.half) else [])]
        note = "does not adapt" if not layer.adapts else "starts at zero" if not dots else ""
        lines.append(Line(layer.name, dots, note))
    ends = [end for end in ends if end > 0]
    if not ends:
        return Html("")
    said = " ".join(found.sentences)
    drawing = dot_chart(
        said,
        _few(lines),
        value_axis(min(ends), max(ends), False),
        x_label="relative movement",
        x_text=lambda v: axis_label(v, True),
    )
    if len(found.layers[0].relative) > 1:
        said += " Small dots are earlier steps."
    if any(layer.name in found.normed for layer in found.layers):
        said += " A layer before a norm may have any scale, so its share of movement says little by itself."
    return _figure("How far each layer moves", drawing, said)


def freezing_chart(found: Freezing) -> Html:
    """What each layer's adaptation is worth."""
    accuracy, names = found.metric == "accuracy", (("s0", "this layer alone"), ("s1", "all but this layer"))
    lines, ends = [], [found.everything.mean, found.nothing.mean]
    for layer in found.layers:
        both = ((layer.frozen, *names[1]), (layer.only, *names[0]))
        lines.append(Line(layer.name, [_dot(each, style, name, accuracy) for each, style, name in both]))
        ends += [end for each, _, _ in both for end in _ends(each)]
    known = [end for end in ends if math.isfinite(end)]
    if not known:
        return Html("")
    drawing = dot_chart(
        " ".join(found.sentences),
        _few(lines),
        value_axis(min(known), max(known), accuracy),
        x_label=found.metric,
        x_text=lambda v: axis_label(v, accuracy),
        rules=[(found.everything.mean, "mean"), (found.nothing.mean, "chance")],
        above=dot_legend(names),
    )
    said = " ".join(found.sentences) + " Full line: everything adapts; dashed: nothing does."
    return _figure("Which layers have to adapt", drawing, said)


def similarity_chart(found: Similarity) -> Html:
    """Which representations adaptation changes."""
    lines, lowest = [], 0.0
    for layer in found.layers:
        dots = [
            Dot(layer.chance, math.nan, math.nan, "s4", f"{layer.name}, examples shuffled: {layer.chance:.3f}", 3),
            Dot(layer.cka.mean, layer.cka.low, layer.cka.high, "s0", f"{layer.name}: {layer.cka.mean:.3f}"),
        ]
        note = f"does not vary in {layer.constant} tasks" if layer.constant else ""
        lines.append(Line(layer.name, dots, note))
        lowest = min([lowest, *(v for v in (layer.cka.mean, layer.chance) if math.isfinite(v))])
    if not any(math.isfinite(layer.cka.mean) for layer in found.layers):
        return Html("")
    drawing = dot_chart(
        " ".join(found.sentences), _few(lines), axis(lowest, 1.0),
        x_label="CKA before and after", x_text=lambda v: f"{v:g}",
        above=dot_legend((("s0", "before against after"), ("s4", "unrelated (95 % stay below)"))),
    )  # fmt: skip
    said = " ".join(found.sentences) + " 1 is the same representation of the query examples, 0 an unrelated one."
    return _figure("Which representations change", drawing, said)


def rates_chart(found: Rates) -> Html:
    """Learned inner rates, by tensor and step."""
    names = list(dict.fromkeys(rate.name for rate in found.rates))
    lines = []
    for name in names:
        own = [rate for rate in found.rates if rate.name == name]
        dots = []
        for rate in own:
            step = "" if rate.step is None else f", step {rate.step}"
            title = f"{name}{step}: mean {rate.mean:.3g}, from {rate.low:.3g} to {rate.high:.3g}"
            spread = len(own) == 1 and rate.count > 1
            low, high = (rate.low, rate.high) if spread else (math.nan, math.nan)
            dots.append(Dot(rate.mean, low, high, "s0", title, 4.5 if len(own) == 1 else 3))
        lines.append(Line(name, dots))
    shown = [end for rate in found.rates for end in (rate.low, rate.high) if math.isfinite(end)]
    if not shown:
        return Html("")
    drawing = dot_chart(
        " ".join(found.sentences), _few(lines), axis(min(0.0, *shown), max(0.0, *shown)),
        x_label="inner rate" if found.kind == "rates" else "inner rate times eigenvalue",
        x_text=lambda v: axis_label(v, False), rules=[(0.0, "mean"), (found.start, "chance")],
    )  # fmt: skip
    bars = " Bars reach from the smallest to the largest." if any(rate.count > 1 for rate in found.rates) else ""
    said = " ".join(found.sentences) + f" Dots are means of a tensor; dashed: where all began.{bars}"
    return _figure("The inner rates that were learned", drawing, said)


def _dot(found: Interval, style: str, name: str, accuracy: bool) -> Dot:
    title = f"{name}: {value(found.mean, accuracy)} {half(found.half, accuracy)}".strip()
    return Dot(found.mean, found.low, found.high, style, title)


def _ends(found: Interval) -> list[float]:
    return [found.low, found.high] if math.isfinite(found.half) else [found.mean]


def _few(lines: list[Line]) -> list[Line]:
    if len(lines) <= _MOST:
        return lines
    left = len(lines) - _MOST + 1
    start = _MOST // 2
    return [*lines[:start], Line("...", note=f"{left} more"), *lines[start + left :]]


def _figure(title: str, drawing: Html, caption: str) -> Html:
    return tag("figure", tag("h3", title), drawing, tag("figcaption", caption), class_="chart rows")
