"""What a page says in words."""

import re

import pytest

from helpers import pools
from helpers.evaluations import row
from innerloop.cli import main
from innerloop.cli._pages import table_of
from innerloop.cli._ranges import compared
from innerloop.report import Row


def test_no_sentence_twice():
    # the runner-up is the run itself, and the better of what was meta-learned
    rows = [
        Row(row("MAML", 0.7), "gradient", highlight=True),
        Row(row("Fine-tuned", 0.8), "transfer"),
        Row(row("Trivial", 0.2), "trivial"),
    ]
    found = compared(rows)
    said = table_of("t", rows[0].evaluation, rows, found).verdicts
    assert said == [found.verdict("Fine-tuned", "MAML")]


def training_of(page, row):
    """What the first table says of a row's training."""
    (line,) = re.findall(rf'<tr[^>]*>(?:(?!</tr>).)*?class="who">{row}<.*?</tr>', page, re.S)[:1]
    return re.search(r'class="time[^>]*>([^<]*)<', line)[1]


@pytest.fixture
def stopped(copied, sinusoid_run):
    """A run as it is before the end of its training."""
    run = copied(sinusoid_run)
    (run / "fit.json").unlink()
    return run


def test_a_stopped_run_was_trained(stopped, sinusoid_run):
    assert main(["report", str(stopped)]) == 0
    page = (stopped / "page.html").read_text()
    assert training_of(page, "MAML") == "not known"
    assert training_of(page, "Trivial predictor") == "nothing trained"
    assert "trained for up to 8 outer steps" in page
    assert "trained for 8 outer steps" in (sinusoid_run / "page.html").read_text()


def test_a_comparison_with_a_stopped_run(stopped, sinusoid_run, tmp_path, monkeypatch):
    pools.install(monkeypatch)
    out = tmp_path / "out"
    assert main(["compare", str(stopped), str(sinusoid_run), "--tasks", "6", "--out", str(out)]) == 0
    page = (out / "page.html").read_text()
    assert training_of(page, f"MAML, {stopped.name}") == "not known"
    assert training_of(page, f"MAML, {sinusoid_run.name}") not in ("not known", "nothing trained")
    assert training_of(page, "From scratch") == "nothing trained"
