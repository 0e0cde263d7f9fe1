"""Costs, Pareto charts and ranges on a page."""

import dataclasses
import re

import pytest

from innerloop.report import Course, Page, Range, Table, render
from innerloop.report._costs import fronts, many, megabytes
from report.fake_comparison import LEARNERS, SHOTS, comparison_page, row, shots
from report.fake_page import HOSTILE
from report.test_page import Reader


@pytest.fixture(scope="module")
def page():
    return comparison_page()


@pytest.fixture(scope="module")
def text(page):
    return Reader(render(page)).text


def test_parses_and_refers_to_nothing_outside(page):
    html = render(page)
    Reader(html)
    assert not re.search(r"https?:|//[a-z]|@import", html)
    assert html == render(comparison_page())


def test_the_verdict_comes_first(text):
    places = [text.index(words) for words in ("Meta-learning wins at 1 shot", "On test tasks", "When there are more")]
    assert places == sorted(places)


def test_rows_that_nothing_beats():
    rows = [row(name) for name in LEARNERS]
    price = {
        "training": {name: values[3] or 0.0 for name, values in LEARNERS.items()},
        "adapting": {name: values[4] for name, values in LEARNERS.items()},
    }
    means = {one.evaluation.name: one.evaluation.mean for one in rows}
    for name, found in fronts(rows).items():
        points = {one: (price[name][one], -means[one]) for one in means}

        def beaten(one, points=points):
            return any(other[0] <= one[0] and other[1] <= one[1] and other != one for other in points.values())

        assert set(found) == {one for one, point in points.items() if not beaten(point)}


def test_marks_stand_where_nothing_beats(page):
    best = fronts(page.tables[0].rows)
    html = render(page)
    assert html.count('<i class="front">') == sum(map(len, best.values()))
    for names in best.values():
        assert f"Not beaten: {', '.join(names)}." in Reader(html).text


def test_costs_are_those_of_the_rows(text):
    assert "25,000 parameters" in text
    assert "165 numbers" in text
    assert "21 ms" in text
    assert "41 MB" in text
    assert "960,000" in text
    for name in ("MAML", "Prototypes"):
        assert f"mean of 2 trainings, sd {100 * row(name).evaluation.spread:.1f} points" in text


def test_spreads_over_seeds_are_drawn(page):
    html = render(dataclasses.replace(page, ranges=[]))
    assert html.count('class="seed ') == 2 * 6  # two seeds of each trained row


def test_dots_of_the_charts_lie_where_the_numbers_are(page):
    html = render(dataclasses.replace(page, ranges=[]))
    dot = r'class="dot \w+ (?:kept|beaten)" cx="([\d.]+)%" cy="([\d.]+)" r="[\d.]+"><title>\d+ ([^:]+):'
    dots = re.findall(dot, html)
    assert len(dots) == 2 * len(LEARNERS)
    for chart in (dots[: len(LEARNERS)], dots[len(LEARNERS) :]):
        by_name = {name: (float(x), float(y)) for x, y, name in chart}
        means = {one.evaluation.name: one.evaluation.mean for one in page.tables[0].rows}
        order = sorted(by_name, key=lambda name: by_name[name][1])
        assert order == sorted(means, key=lambda name: -means[name])
    seconds = {name: values[4] for name, values in LEARNERS.items()}
    assert sorted(by_name, key=lambda name: by_name[name][0]) == sorted(seconds, key=lambda name: seconds[name])


def test_ranges_have_all_numbers(text, page):
    for course in shots().courses:
        for _, mean, *_ in course.points:
            assert f"{100 * mean:.1f} %" in text
    for count in SHOTS:
        assert f"{count} shot{'s' * (count > 1)}" in text
    assert "a curve was fitted" in text


def test_one_line_for_each_learner_and_no_two_alike(page):
    html = render(dataclasses.replace(page, tables=[], ranges=page.ranges[:1]))
    legend = re.findall(r'class="line (\w+ dash\d)"></line></svg>([^<]+)</li>', html)
    assert len(legend) == len(LEARNERS) - 1
    assert len({style for style, _ in legend}) >= len(legend) - 1  # six transfer rows share four dashes
    assert {name: style.split()[0] for style, name in legend} == {
        name: values[0] for name, values in LEARNERS.items() if values[0] != "trivial"
    }


def test_nothing_to_show_is_left_out():
    bare = row("MAML")
    table = Table("t", "", [dataclasses.replace(bare, spent=None)])
    assert "What it costs" not in render(Page("x", tables=[table]))
    assert "nothing" not in render(Page("x", ranges=[Range("nothing", "", "shots", "accuracy", [])]))
    one = Range("r", "", "shots", "accuracy", [Course("a", "metric", [(5.0, 0.5, float("inf"), None)])])
    Reader(render(Page("x", ranges=[one])))
    lost = Range("r", "", "shots", "accuracy", [Course("a", "metric", [(5.0, float("nan"), float("inf"), None)])])
    assert "no number" in render(Page("x", ranges=[lost]))


def test_names_are_text():
    course = Course(HOSTILE, HOSTILE, [(1.0, 0.5, 0.1, None), (2.0, 0.6, 0.1, None)])
    shown = Range(HOSTILE, HOSTILE, HOSTILE, "accuracy", [course], [HOSTILE], [(HOSTILE, HOSTILE, 0.3)], [HOSTILE])
    html = render(Page("x", verdict=[HOSTILE], ranges=[shown]))
    assert "<script" not in html
    Reader(html)


def test_numbers_in_words():
    assert megabytes(0) == "0 MB"
    assert megabytes(25_000_000) == "25 MB"
    assert many(999_999.0) == "999,999"
