import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from innerloop.errors import InnerloopError
from innerloop.learner import Learner
from innerloop.report import Fit, Learning, Page, Row, Shown, Table, TaskView, render, write_page
from innerloop.report._learning import validation
from innerloop.report._table import show_table
from report.fake_explanation import LAYERS, explanation, influence_views
from report.fake_page import HOSTILE, characters_page, evaluation, learning, sinusoid_page, task_view

VOID = {"meta", "br", "hr", "img"}


class Reader(HTMLParser):
    """Checks that every element is closed in order, and gathers text, tags and attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.texts, self.tags, self.attributes = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def characters():
    return characters_page()


@pytest.fixture(scope="module", params=["characters", "sinusoids", "colour", "explained", "empty", "bare table"])
def page(request, characters):
    if request.param == "bare table":
        return Page("t", tables=[Table("t", "", [Row(evaluation(tasks=1), "memory")])])
    return {
        "characters": characters,
        "sinusoids": sinusoid_page(),
        "colour": characters_page(colour=True, shown=15),
        "explained": Page("t", explanation=explanation(), influences=influence_views()),
        "empty": Page("nothing yet"),
    }[request.param]


def test_parses_and_every_tag_is_closed(page):
    reader = Reader(render(page))
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("title") >= 1
    assert "script" not in reader.tags
    ids = reader.values("id")
    assert len(ids) == len(set(ids))


def test_refers_to_nothing_outside(page):
    html = render(page)
    assert not re.search(r"https?:|//[a-z]|@import", re.sub(r"base64,[\w+/=]+", "", html), re.I)
    reader = Reader(html)
    assert not reader.values("src")
    assert not reader.values("href")
    urls = re.findall(r"url\(([^)]{0,22})", html)
    assert all(url.startswith("data:image/png;base64,") for url in urls)


def test_is_deterministic_and_small(page):
    html = render(page)
    assert html == render(page)
    assert len(html.encode()) < 1_500_000


def test_equal_pages_built_twice_are_equal_files(characters):
    assert render(characters) == render(characters_page())


def test_numbers_are_those_of_the_evaluations(characters):
    text = Reader(render(characters)).text
    for table in characters.tables:
        for row in table.rows:
            mean, half = row.evaluation.interval
            assert f"{100 * mean:.1f} % ± {100 * half:.1f}" in text
    error = characters.own.calibration.error
    assert f"{100 * error:.1f} points on average" in text
    assert "2 min 4 s" in text
    assert "nothing trained" in text


def test_a_learner_of_ones_own_does_not_look_trivial(characters):
    rows = [Row(evaluation(name), name, 1.0) for name in (Learner.family, "evolution", "oracle")]
    html = render(Page("t", tables=[Table("t", "", rows)]))
    assert html.count('class="swatch other"') == 2
    assert html.count('class="swatch oracle"') == 1
    assert 'class="swatch trivial"' not in html
    assert Reader(html).text.count("own learner") == 1
    assert 'class="swatch trivial"' in render(characters)


def test_a_training_whose_time_is_not_known_was_a_training():
    def text(seconds):
        return Reader(render(Page("t", tables=[Table("t", "", [Row(evaluation(), "gradient", seconds)])]))).text

    assert "nothing trained" in text(0.0)
    assert "nothing trained" not in text(None)
    assert "not known" in text(None)


def test_rows_come_best_first():
    page = sinusoid_page()
    rows = page.tables[0].rows
    text = Reader(render(page)).text
    places = [text.index(f"{row.evaluation.mean:.4g} ±") for row in sorted(rows, key=lambda r: r.evaluation.mean)]
    assert places == sorted(places)
    assert "lower is better" in text


def test_dots_lie_where_the_numbers_are(characters):
    html = render(dataclasses.replace(characters, tables=characters.tables[:1]))
    places = [float(cx) for cx in re.findall(r'<circle cx="([\d.]+)%" cy="50%"', html)]
    means = sorted((row.evaluation.mean for row in characters.tables[0].rows), reverse=True)
    slope, offset = np.polyfit(means, places, 1)
    assert np.allclose(np.array(means) * slope + offset, places, atol=0.02)
    guessing = float(re.search(r'<line x1="([\d.]+)%"[^>]*class="chance"', html)[1])
    assert guessing == pytest.approx(0.2 * slope + offset, abs=0.02)


def test_own_row_and_transductive_norm_are_named(characters):
    html = render(characters)
    assert html.count('class="own"') == len(characters.tables)
    text = Reader(html).text
    assert "query batch transductive" in text
    assert "this run" in text


def test_a_column_that_says_nothing_is_left_out_and_users_are_called_users():
    rows = [evaluation(name, norm="none") for name in ("ridge", "kNN")]
    rows = [dataclasses.replace(row, source={**row.source, "units": "users"}) for row in rows]
    one = dataclasses.replace(rows[0], values=rows[0].values[:1], losses=rows[0].losses[:1])
    for every, column in ((rows, False), ([rows[0], evaluation("MAML")], True)):
        table = show_table(Table("On test users", "", [Row(row, "metric", 0.0) for row in every]))
        assert ("Normalised with" in table) == column
        assert ("no norm layers" in table) == column
        assert table.count('role="columnheader"') == 4 + column
    assert "one user" in show_table(Table("One", "", [Row(one, "metric", 0.0)]))
    course = validation([dataclasses.replace(learning(), units="users")])
    assert "on validation users" in course
    assert "interval over users" in course


def test_verdicts_and_notes_are_sentences(characters):
    text = Reader(render(characters)).text
    for verdict in characters.tables[0].verdicts:
        assert verdict[1:] + "." in text
    assert "No difference seen" in text
    assert all(note in text for note in characters.notes)


def test_hostile_names_are_text():
    page = characters_page(classes=[HOSTILE] * 5)
    row = Row(evaluation(HOSTILE), HOSTILE, 1.0, HOSTILE)
    own = evaluation(HOSTILE, norm=HOSTILE, curve=[(0.1, 0.1), (0.5, 0.1)], trained_steps=1)
    page = dataclasses.replace(
        page,
        title=HOSTILE,
        lead=HOSTILE,
        headline=[(HOSTILE, HOSTILE)],
        tables=[Table(HOSTILE, HOSTILE, [row, Row(own, "metric")], [HOSTILE])],
        curves={HOSTILE: own, HOSTILE * 2: own},
        learning=[dataclasses.replace(one, name=HOSTILE) for one in page.learning],
        tasks=[dataclasses.replace(page.tasks[0], title=HOSTILE, kind=HOSTILE)],
        facts=[(HOSTILE, HOSTILE)],
        command=HOSTILE,
        notes=[HOSTILE],
        explanation=explanation([HOSTILE, *LAYERS[1:]], undefined={HOSTILE: HOSTILE}, source={"split": HOSTILE}),
        influences=influence_views(HOSTILE),
    )
    html = render(page)
    reader = Reader(html)
    assert "<script" not in html
    assert HOSTILE in reader.text
    assert not [tag for tag in reader.tags if tag == "script"]
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]


def test_names_that_are_no_unicode_do_not_stop_the_page(tmp_path):
    write_page(tmp_path / "page.html", Page("folder \udcff", command="a\0b"))
    assert "folder ?" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_right_and_wrong_do_not_depend_on_colour():
    queries = [Shown(np.eye(4), 0, 0, 0.75), Shown(np.eye(4), 0, 1, 0.25)]
    view = TaskView("Test task 1", 0.5, [[np.eye(4)], [np.ones((4, 4))]], ["fox", "owl"], queries)
    reader = Reader(render(Page("t", tasks=[view])))
    assert "✓ 75" in reader.text
    assert "✕ B 25" in reader.text
    assert "50.0 % of all queries right" in reader.text
    labels = reader.values("aria-label")
    assert "A, fox: right, confidence 75 percent" in labels
    assert "A, fox: wrong, it said B, owl, confidence 25 percent" in labels


def test_every_picture_and_chart_has_words(page):
    html = render(page)
    images = re.findall(r'<(?:span|svg) role="img"[^>]*>', html)
    assert all(re.search(r'aria-label="[^"]{3,}"', image) for image in images)
    # whatever else is drawn is hidden from readers, since its numbers stand beside it
    assert len(re.findall(r"<svg", html)) == len(re.findall(r"<svg role|<svg [^>]*aria-hidden", html))


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 1), (6, 9, 3), (1, 6, 9), (3, 6, 9)])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_pictures_of_any_layout(shape, dtype):
    pixels = (np.random.default_rng(0).random(shape) * (255 if dtype == np.uint8 else 1)).astype(dtype)
    view = TaskView("t", 1.0, [[pixels]], ["a"], [Shown(pixels, 0, 0, 1.0)])
    assert "--shape:9/6" in render(Page("t", tasks=[view]))


def test_a_picture_comes_back_from_the_file():
    import base64
    import io

    from PIL import Image

    rng = np.random.default_rng(0)
    bright, other = rng.random((8, 8)), rng.random((8, 8))
    view = TaskView("t", 1.0, [[bright]], ["a"], [Shown(other, 0, 0, 1.0)])
    data = re.search(r"base64,([\w+/=]+)", render(Page("t", tasks=[view])))[1]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert np.array_equal(sheet, np.hstack([np.round(bright * 255), np.round(other * 255)]))


def test_other_arrays_are_refused():
    view = TaskView("t", 1.0, [[np.zeros((5, 6, 7))]], ["a"], [])
    with pytest.raises(ValueError, match=r"\(5, 6, 7\)"):
        render(Page("t", tasks=[view]))


def test_photographs_are_not_inverted():
    rng = np.random.default_rng(0)
    photo = TaskView("t", 1.0, [[rng.random((8, 8))]], ["a"], [])
    assert 'class="thumb photo"' in render(Page("t", tasks=[photo]))
    assert 'class="thumb ink"' in render(Page("t", tasks=[task_view(0)]))


def test_more_classes_than_letters():
    slots = range(30)
    queries = [Shown(np.eye(3), k, (k + 1) % 30, 0.4) for k in slots]
    view = TaskView("t", 0.0, [[np.eye(3)] for _ in slots], [f"class {k}" for k in slots], queries)
    assert "✕ 28" in Reader(render(Page("t", tasks=[view]))).text


def test_what_is_empty_is_left_out():
    reader = Reader(render(Page("nothing yet")))
    assert reader.text == "nothing yet nothing yet"
    assert not {"h2", "svg", "table", "ul", "dl", "pre"} & set(reader.tags)
    one_task = Page("t", own=evaluation(tasks=1), curves={"a": evaluation()}, learning=[Learning("a")])
    assert "h2" not in Reader(render(one_task)).tags
    assert "h2" not in Reader(render(Page("t", tables=[Table("t", "", [])]))).tags


def test_regression_page_has_errors_and_no_percentages():
    reader = Reader(render(sinusoid_page()))
    assert "logarithmic" in reader.text
    assert "Does it know when it is unsure?" not in reader.text
    assert not re.search(r"\d %(?! interval)", reader.text)


def test_fit_errors_are_right():
    x = np.array([2.0, 0.0, 1.0])
    fit = Fit("Test task 3", [0.5], [0.5], x, x, np.zeros(3), x + 0.1)
    text = Reader(render(Page("t", fits=[fit]))).text
    assert f"squared error {5 / 3:.3g} before, 0.01 after" in text


def test_numbers_that_are_no_numbers_do_not_stop_the_page():
    broken = evaluation("broken", tasks=3)
    broken.values[:] = np.nan
    single = evaluation("single", tasks=1)
    table = Table("t", "", [Row(broken, "gradient"), Row(single, "metric")])
    text = Reader(render(Page("t", tables=[table], own=broken))).text
    assert "no number" in text
    assert "one task" in text
    assert text.index("single") < text.index("broken")
    assert "nan" not in render(Page("t", tables=[table], own=broken))


def test_flat_and_constant_courses():
    flat = Learning("a", [(1, 0.1, 0.5), (2, 0.2, 0.5)], [(1, 0.1, 1.0, 0.0)])
    same = evaluation(mean=0.5, curve=[(1.0, 0.0), (1.0, float("inf"))], trained_steps=9, tasks=20)
    same.values[:] = 1.0
    html = render(Page("t", learning=[flat], curves={"a": same}, own=same))
    _, body = html.split("</style>")
    assert "nan" not in body
    assert "inf" not in body


def test_learning_reads_metrics_lines():
    lines = [
        {"step": 5, "seconds": 1.0, "loss": 0.5},
        {"step": 10, "seconds": 2.0, "loss": None},
        {"step": 10, "seconds": 2.5, "validation": 0.8, "half": float("inf"), "metric": "squared error"},
        {"event": "resumed"},
    ]
    found = Learning.from_metrics("MAML", lines)
    assert found.points == [(5, 1.0, 0.5), (10, 2.0, None)]
    assert found.validations == [(10, 2.5, 0.8, 0.0)]
    assert (found.metric, found.seconds) == ("squared error", 2.5)


def test_long_courses_are_thinned():
    long = Learning("a", [(k, k / 10, 1 / k) for k in range(1, 20_001)])
    assert len(render(Page("t", learning=[long]))) < 40_000


def test_write_page_is_whole_or_not_at_all(tmp_path):
    write_page(tmp_path / "deep" / "page.html", Page("t"))
    assert (tmp_path / "deep" / "page.html").read_text(encoding="utf-8") == render(Page("t"))
    (tmp_path / "taken").mkdir()
    with pytest.raises(InnerloopError):
        write_page(tmp_path / "taken", Page("t"))
    assert len(list(tmp_path.rglob("*.tmp"))) == 0


def test_style_sheet_is_package_data():
    html = render(Page("t"))
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def _luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_has_the_contrast_of_wcag_aa(scheme):
    blocks = re.findall(r":root \{(.*?)\}", render(Page("t")), re.S)
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[scheme]))
    for text in ("ink", "soft", "accent", "wrong"):
        for ground in ("paper", "wash", "tint"):
            light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
    for mark in ("gradient", "metric", "memory", "transfer", "trivial", "oracle", "other"):
        light, dark = sorted((_luminance(colours[mark]), _luminance(colours["paper"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3.0, mark


def test_one_wild_prediction_does_not_flatten_the_other_fits():
    x = np.linspace(0, 1, 9)
    calm = Fit("calm", x[:2], x[:2], x, x, 0 * x, x)
    wild = Fit("wild", x[:2], x[:2], x, x, 0 * x, 1e6 * x)
    alone, together = (render(Page("t", fits=fits)) for fits in ([calm], [calm, wild]))
    line = re.search(r'<path d="([^"]+)" class="line s0"', alone)[1]
    assert f'd="{line}"' in together
    assert "squared error 0.354 before" in Reader(together).text
