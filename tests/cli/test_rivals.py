"""Which rivals a comparison has, and how their settings are chosen."""

from pathlib import Path

import pytest

from helpers import folders
from innerloop.cli import _rivals
from innerloop.cli._lines import Group, free_lines, trained_lines
from innerloop.cli._rivals import rival
from innerloop.cli._work import open_run
from innerloop.evaluation import evaluate


def kinds(methods, *, baselines=True, classes=True, table=False):
    groups = [Group((Path(f"runs/{i}-{method}"),), (0,), method, "running") for i, method in enumerate(methods)]
    lines = trained_lines(groups, 10, "test", baselines=baselines, classes=classes)
    lines += free_lines(groups[0], 10, "test", classes=classes, table=table) if baselines else []
    specs = [spec for line in lines for spec in line.specs]
    assert len({spec.key for spec in specs}) == len(specs)
    return [spec.kind for spec in specs]


def test_rows_by_what_the_runs_are():
    always = ["from_scratch", "nearest_mean", "raw_ridge", "constant"]
    assert kinds(["maml"]) == ["run", *always]
    assert kinds(["pretraining"]) == ["run", "fine_tune", "linear_head", "linear_probe", *always]
    assert kinds(["baseline_plus_plus"]) == ["run", "cosine_head", "linear_probe", *always]
    two = kinds(["pretraining", "baseline_plus_plus"])
    assert two.count("linear_probe") == two.count("run") == 2
    assert kinds(["maml"], classes=False, table=True) == [
        "run", "from_scratch", "pooled_ridge", "shrunk_ridge", "constant",
    ]  # fmt: skip
    # an output means the same in every task: there is a head to go on from
    assert kinds(["pretraining"], classes=False) == ["run", "fine_tune", "linear_head", "from_scratch", "constant"]
    assert kinds(["pretraining"], baselines=False) == ["run"]


def test_rows_of_every_seed():
    group = Group((Path("runs/a"), Path("runs/b")), (0, 1), "baseline_plus_plus", "running")
    lines = trained_lines([group], 10, "test", shots=7)
    assert [(line.specs[0].kind, line.seeds) for line in lines] == [
        ("run", (0, 1)), ("cosine_head", (0, 1)), ("linear_probe", (0, 1)),
    ]  # fmt: skip
    assert [spec.key for spec in lines[2].specs] == ["a.linear_probe", "b.linear_probe"]
    assert {spec.shots for line in lines for spec in line.specs} == {7}


@pytest.fixture
def few(monkeypatch):
    """Few trials, so that a test is quick."""
    monkeypatch.setattr(_rivals, "TUNED_RATES", {kind: rates[-2:] for kind, rates in _rivals.TUNED_RATES.items()})
    monkeypatch.setattr(_rivals, "_MAX_STEPS", dict.fromkeys(_rivals._MAX_STEPS, 7))
    monkeypatch.setattr(_rivals, "_VALIDATION_TASKS", 5)
    monkeypatch.setattr(_rivals, "_WIDEN", 0)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Pretrained runs on texts, by method."""
    root = tmp_path_factory.mktemp("texts")
    data = folders.write_texts(root / "texts.csv")
    return {
        method: open_run(folders.train("text", root / method, "--data", str(data), "--method", method))[1]
        for method in ("pretraining", "baseline_plus_plus")
    }


@pytest.mark.parametrize(
    ("method", "kind"),
    [(method, kind) for method, own in _rivals.ON_FEATURES.items() for kind in (*own, "from_scratch", "constant")],
)
def test_rivals_on_features(few, texts, method, kind):
    experiment = texts[method]
    learner, note, chosen = rival(kind, experiment, shots=2)
    found = evaluate(learner, experiment.source.test, 4)
    assert found.mean >= 0
    again, nothing, same = rival(kind, experiment, 2, chosen)  # what was chosen need not be chosen again
    assert nothing == ""
    assert same == chosen
    assert evaluate(again, experiment.source.test, 4).values.tolist() == found.values.tolist()
    assert note == "" if kind == "constant" else "validation tasks" in note
    assert note.startswith("penalty " if kind == "linear_probe" else "Adam at " if note else "")


def test_fine_tuning_may_begin_with_the_head(few, texts, monkeypatch):
    monkeypatch.setattr(_rivals, "_HEAD_STEPS", {"fine_tune": (5,)})
    learner, note, chosen = rival("fine_tune", texts["pretraining"])
    assert chosen["head_steps"] == 5
    assert ", the first 5 of the head alone, " in note
    assert learner.spec["arguments"]["head_steps"] == 5


def test_closed_forms_of_a_table(table_run):
    _, experiment = open_run(table_run)
    found = {}
    for kind in _rivals.CLOSED_FORMS:
        learner, note, _ = rival(kind, experiment)
        found[kind] = evaluate(learner, experiment.source.test, 10).mean
        assert note.endswith("chosen on 40 validation tasks")
    # height = rate of the plant x light + 30 water: a line for each plant is the truth
    assert found["shrunk_ridge"] < 0.01 < found["pooled_ridge"]
