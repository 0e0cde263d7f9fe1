"""One task as a person would look at it: what was shown, what was asked, what was answered."""

from __future__ import annotations

import string

from innerloop.evaluation._words import value
from innerloop.report._html import Html, join, section, tag
from innerloop.report._page import Picture, Pixels, Shown, TaskView
from innerloop.report._pictures import Sprite, sprite

_LEAD = (
    "The model is given only the examples at the head of a task. Then it names each picture below, one class "
    "of pictures in each line. The bar under a picture is its confidence, the number the same in percent."
)
_WIDE = 9
"""With more queries than this of a class, a task takes the whole width."""
_ORDER = {"typical": 0, "hardest": 1, "easiest": 2}


def show_tasks(tasks: list[TaskView]) -> Html:
    """The section with the tasks."""
    ordered = sorted(tasks, key=lambda task: _ORDER.get(task.kind, 0))
    key = tag(
        "p",
        tag("span", "✓", class_="mark right"), " right ",
        tag("span", "✕ B", class_="mark wrong"), " wrong: it said B",
        class_="key",
    )  # fmt: skip
    shown = [_task(task) for task in ordered]
    if not any(shown):
        return Html("")
    return section("Look at some tasks", key, tag("div", *shown, class_="tasks"), lead=_LEAD)


def letter(number: int) -> str:
    """Name of a class slot.

    >>> letter(0), letter(27)
    ('A', '28')
    """
    return string.ascii_uppercase[number] if 0 <= number < 26 else str(number + 1)


def _task(task: TaskView) -> Html:
    pictures: list[Pixels | Picture] = [picture for shots in task.support for picture in shots]
    shots = len(pictures)
    queries = sorted(task.queries, key=lambda q: (q.truth, q.guess != q.truth, -q.confidence))
    pictures += [query.picture for query in queries]
    if not pictures:
        return Html("")
    sheet = sprite(pictures)
    start = 0
    examples = []
    for slot, one_class in enumerate(task.support):
        name = _name(task, slot)
        thumbs = [sheet.thumb(start + k, f"example of {letter(slot)}, {name}") for k in range(len(one_class))]
        start += len(one_class)
        heading = tag("figcaption", tag("b", letter(slot)), " ", tag("bdi", name))
        examples.append(tag("figure", tag("div", *thumbs, class_="shots"), heading, class_="example"))
    lines, most = [], 0
    for slot in sorted({query.truth for query in queries}):
        cells = [_query(task, sheet, shots + i, q) for i, q in enumerate(queries) if q.truth == slot]
        most = max(most, len(cells))
        right = sum(q.guess == q.truth for q in queries if q.truth == slot)
        title = join(tag("b", letter(slot)), tag("span", f"{right}/{len(cells)}", class_="count", title="right"))
        lines.append(tag("div", tag("div", title, class_="truth"), tag("ul", *cells), class_="asked"))
    kind = tag("span", task.kind, class_="tag") if task.kind else ""
    score = tag("span", f"{value(task.accuracy, True)} of all queries right", class_="score")
    many = " many" if shots > len(task.support) else ""
    header = tag("div", *examples, class_=f"support{many}", role="group", aria_label="support set")
    wide = " wide" if most > _WIDE else ""
    body = [tag("h3", task.title, " ", kind, score), header, *lines]
    return tag("article", *body, class_=f"task{wide}", style=Html(sheet.style))


def _query(task: TaskView, sheet: Sprite, index: int, query: Shown) -> Html:
    right = query.guess == query.truth
    sure = min(1.0, max(0.0, query.confidence))
    label = (
        f"{letter(query.truth)}, {_name(task, query.truth)}: "
        + ("right" if right else f"wrong, it said {letter(query.guess)}, {_name(task, query.guess)}")
        + f", confidence {100 * sure:.0f} percent"
    )
    bar = tag("span", tag("i", style=f"width:{100 * sure:.0f}%"), class_="sure")
    said = tag("span", "✓" if right else f"✕ {letter(query.guess)}", class_="mark")
    number = tag("span", f"{100 * sure:.0f}", class_="percent")
    below = tag("span", said, number, class_="said", aria_hidden="true")
    return tag(
        "li",
        tag("span", sheet.thumb(index, label), class_="asked-picture"),
        bar,
        below,
        class_="right" if right else "wrong",
        title=label,
    )


def _name(task: TaskView, slot: int) -> str:
    return task.classes[slot] if 0 <= slot < len(task.classes) else f"class {slot + 1}"
