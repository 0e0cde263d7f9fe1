"""`innerloop explain`."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import damage, folders
from innerloop.cli import main
from innerloop.explain import Explanation

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
OTHER = [None, -1, 7, 1.5, "other", [], {}, [1, "a"], {"a": 1}, True]


@pytest.fixture(scope="module")
def explained_run(tmp_path_factory, pictures):
    """A run on the pictures with its explanation. Tests must not change it."""
    run = folders.train("folder", tmp_path_factory.mktemp("runs") / "explained", "--data", str(pictures))
    assert main(["explain", str(run), "--tasks", "10", "--quiet"]) == 0
    return run


def test_findings_are_said_kept_and_shown(explained_run, capsys):
    found = Explanation.from_json(json.loads((explained_run / "explain.json").read_text()))
    assert (found.name, found.tasks, found.source["split"]) == ("MAML", 10, "test")
    assert set(found.undefined) == {"learned_rates"}
    page = (explained_run / "page.html").read_text()
    assert "What adaptation changes, and which examples matter" in page
    assert "Which support example mattered" in page
    assert "they are always 0.4" in page

    capsys.readouterr()
    assert main(["report", str(explained_run)]) == 0
    assert (explained_run / "page.html").read_text() == page


@pytest.mark.parametrize("which", ["sinusoid_run", "table_run"])
def test_regression_and_progress(which, request, copied, capsys):
    run = copied(request.getfixturevalue(which))
    capsys.readouterr()
    assert main(["explain", str(run), "--tasks", "10", "--threads", "1"]) == 0
    said = capsys.readouterr()
    assert "movement ...\n" in said.err
    assert "- movement: " in said.out
    assert "- calibration: not defined. Calibration is about probabilities of classes" in said.out
    assert said.out.endswith(f"{run / 'explain.json'}\n{run / 'page.html'}\n")


def test_a_learner_without_steps(tmp_path, pictures, capsys):
    run = folders.train("folder", tmp_path / "run", "--data", str(pictures), "--method", "prototypes")
    assert main(["explain", str(run), "--tasks", "10", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "- over adaptation: not defined. Prototypes takes no gradient steps" in said
    assert "- influence: Leaving out one support example" in said
    assert "Not defined for this learner" in (run / "page.html").read_text()


def test_another_place_leaves_the_run_as_it_is(sinusoid_run, tmp_path, capsys):
    before = damage.snapshot(sinusoid_run)
    out = tmp_path / "deep" / "found.json"
    assert main(["explain", str(sinusoid_run), "--tasks", "10", "--split", "validation", "--out", str(out)]) == 0
    assert damage.snapshot(sinusoid_run) == before
    assert json.loads(out.read_text())["source"]["split"] == "validation"
    assert capsys.readouterr().out.endswith(f"{out}\n")


@pytest.mark.parametrize(
    "options",
    [["--tasks", "9"], ["--tasks", "-3"], ["--tasks", "many"], ["--split", "all"], ["--threads", "0"]],
    ids=" ".join,
)
def test_bad_options(options, sinusoid_run, copied, fails):
    run = copied(sinusoid_run)
    before = damage.snapshot(run)
    assert options[1] in fails("explain", run, *options)
    assert damage.snapshot(run) == before


def test_what_is_no_run(fails, tmp_path):
    assert "RUN is missing" in fails("explain")
    assert "is not a run" in fails("explain", tmp_path)
    assert "Unknown option --task." in fails("explain", tmp_path, "--task", "3")


def test_a_damaged_explanation(explained_run, copied, fails, capsys):
    run = copied(explained_run)
    whole = (run / "explain.json").read_bytes()

    @MANY
    @given(st.one_of(damage.truncated(), damage.garbage()))
    def cut(change):
        (run / "explain.json").write_bytes(change(whole).rstrip())
        before = damage.snapshot(run)
        assert "explain.json" in fails("report", run)
        assert damage.snapshot(run) == before

    cut()

    @MANY
    @given(st.floats(0, 0.9999), st.sampled_from(OTHER))
    def replace(place, value):
        (run / "explain.json").write_text(json.dumps(damage.replaced(json.loads(whole), place, value)))
        assert main(["report", str(run)]) in (0, 2)
        capsys.readouterr()

    replace()
