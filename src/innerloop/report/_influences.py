"""Support sets as pictures, each with what it is worth to its task."""

from __future__ import annotations

import math

from innerloop.report._html import Html, join, tag
from innerloop.report._page import InfluenceView
from innerloop.report._pictures import sprite
from innerloop.report._tasks import letter

_KEY = (
    "The number under a picture is by how much the query loss rises when the task is learned without it; with a minus "
    "the example harms. The bar is its size within the task."
)


def show_influences(views: list[InfluenceView]) -> Html:
    """Support sets with the influence of each example; nothing if there are none."""
    shown = [_task(view) for view in views if any(view.support)]
    if not shown:
        return Html("")
    return join(
        tag("h3", "Which support example mattered", class_="worths"),
        tag("p", _KEY, class_="key"),
        tag("div", *shown, class_="tasks"),
    )


def _short(change: float, most: float) -> str:
    """A signed number that fits under a small picture, as many decimals for each as its task's largest needs.

    >>> _short(0.0312, 0.16), _short(-10.52, 10.52), _short(-0.00002, 0.16)
    ('+.031', '−10.5', '0')
    """
    decimals = min(5, max(0, 2 - math.floor(math.log10(most)))) if most > 0 else 0
    said = f"{change:+.{decimals}f}"
    if not float(said):
        return "0"
    return said.replace("+0.", "+.").replace("-0.", "-.").replace("-", "\N{MINUS SIGN}")


def _task(view: InfluenceView) -> Html:
    sheet = sprite([example.picture for shots in view.support for example in shots])
    most = max(abs(example.change) for shots in view.support for example in shots)
    start, classes = 0, []
    for slot, shots in enumerate(view.support):
        name = view.classes[slot] if slot < len(view.classes) else f"class {slot + 1}"
        cells = []
        for place, example in enumerate(shots):
            short = _short(example.change, most)
            harms = example.change < 0 and short != "0"
            effect = "harms" if harms else "helps" if short != "0" else "changes little"
            label = f"example of {letter(slot)}, {name}: {effect}, {example.change:+.3g}"
            bar = tag("span", tag("i", style=f"width:{100 * abs(example.change) / (most or 1.0):.0f}%"), class_="sure")
            said = tag("span", short, class_="worth")
            picture = tag("span", sheet.thumb(start + place, label), class_="asked-picture")
            cells.append(tag("li", picture, bar, said, class_="wrong" if harms else "right", title=label))
        start += len(shots)
        title = tag("div", tag("b", letter(slot)), class_="truth", title=name)
        classes.append(tag("div", title, tag("ul", *cells), class_="asked"))
    return tag("article", tag("h3", view.title), *classes, class_="task", style=Html(sheet.style))
