"""The page from its parts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from innerloop.report._charts import adaptation, charts, reliability, spread
from innerloop.report._costs import show_costs
from innerloop.report._explained import show_explanation
from innerloop.report._films import show_films
from innerloop.report._fits import show_fits
from innerloop.report._html import Html, join, listing, section, tag
from innerloop.report._learning import losses, validation
from innerloop.report._page import Page
from innerloop.report._range import show_range
from innerloop.report._returns import show_returns
from innerloop.report._table import show_table
from innerloop.report._tasks import show_tasks


def render(page: Page) -> str:
    """One HTML document that refers to nothing outside itself; the same page gives the same text."""
    style = files("innerloop.report").joinpath("style.css").read_text(encoding="utf-8")
    own = [spread(page.own), reliability(page.own)] if page.own is not None else []
    course = [adaptation(page.curves), validation(page.learning), losses(page.learning)]
    main, others = page.tables[:1], page.tables[1:]
    tables = [*(show_table(table) for table in main), *(show_costs(table) for table in main)]
    ranges = [show_range(shown) for shown in page.ranges]
    body = [
        _header(page),
        show_films(page.films),
        section("The verdict", listing(page.verdict, class_="verdicts")),
        show_returns(page.earnings),
        *([*ranges, *tables] if page.ranges_first else [*tables, *ranges]),
        section("To read these numbers rightly", listing(list(page.notes)), name="notes"),
        *(show_table(table) for table in others),
        show_tasks(page.tasks),
        show_fits(page.fits),
        section("Behind the mean", charts(*own)),
        section("How it learned", charts(*course)),
        show_explanation(page.explanation, page.influences),
        _again(page),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="innerloop"),
        tag("title", page.title),
        Html(f"<style>\n{style}</style>"),
    ]
    document = tag("html", tag("head", *head), tag("body", tag("main", join(*body, by="\n"))), lang="en")
    return f"<!doctype html>\n{document}\n"


def write_page(path: Path, page: Page) -> None:
    """Writes the page: whole, or not at all.

    Raises:
        InnerloopError: if the place cannot be written.
    """
    from innerloop.files import write_whole

    write_whole(Path(path), render(page).encode("utf-8"))


def _header(page: Page) -> Html:
    numbers = [tag("div", tag("dd", number), tag("dt", what)) for number, what in page.headline]
    return tag(
        "header",
        tag("h1", page.title),
        tag("p", page.lead, class_="lead") if page.lead else "",
        tag("dl", *numbers, class_="headline") if numbers else "",
    )


def _again(page: Page) -> Html:
    command = tag("pre", tag("code", page.command), tabindex="0", aria_label="command") if page.command else ""
    pairs = [tag("div", tag("dt", name), tag("dd", said)) for name, said in page.facts]
    return section("To make it again", command, tag("dl", *pairs, class_="facts") if pairs else "")
