"""Which rivals a comparison has, and how their settings are chosen."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers import folders
from innerloop import methods
from innerloop.catalogue import METHODS
from innerloop.cli import _chosen_rival
from innerloop.cli._chosen_rival import rival
from innerloop.cli._lines import Group, free_lines, trained_lines
from innerloop.cli._rivals import RIVALS, Rates, rivals_of
from innerloop.cli._work import open_run
from innerloop.evaluation import evaluate

ON_FEATURES = {method: rivals_of(method, True) for method, one in METHODS.items() if one.merged}


def kinds(trained, *, baselines=True, classes=True, table=False):
    groups = [Group((Path(f"runs/{i}-{method}"),), (0,), method, "running") for i, method in enumerate(trained)]
    lines = trained_lines(groups, 10, "test", baselines=baselines, classes=classes)
    lines += free_lines(groups[0], 10, "test", classes=classes, table=table) if baselines else []
    specs = [spec for line in lines for spec in line.specs]
    assert len({spec.key for spec in specs}) == len(specs)
    return [spec.kind for spec in specs]


def test_rows_by_what_the_runs_are():
    always = ["from_scratch", "nearest_mean", "raw_ridge", "constant"]
    assert kinds(["maml"]) == ["run", *always]
    assert kinds(["pretraining"]) == ["run", "fine_tune", "linear_head", "linear_probe", *always]
    # every learner that is trained on merged classes has features to go on from
    assert kinds(["simple_shot"]) == ["run", "fine_tune", "linear_head", "linear_probe", *always]
    assert kinds(["baseline_plus_plus"]) == ["run", "cosine_head", "linear_probe", *always]
    two = kinds(["pretraining", "baseline_plus_plus"])
    assert two.count("linear_probe") == two.count("run") == 2
    assert kinds(["maml"], classes=False, table=True) == [
        "run", "from_scratch", "pooled_ridge", "shrunk_ridge", "constant",
    ]  # fmt: skip
    # an output means the same in every task: there is a head to go on from
    assert kinds(["pretraining"], classes=False) == ["run", "fine_tune", "linear_head", "from_scratch", "constant"]
    assert kinds(["pretraining"], baselines=False) == ["run"]


def test_the_table_names_methods():
    for kind, one in RIVALS.items():
        assert callable(getattr(methods, kind))
        assert not METHODS[kind].trained
        assert one.from_run == bool(one.after)
    for method in METHODS:
        assert bool(rivals_of(method, classes=True)) == (METHODS[method].merged is not None)
        assert bool(rivals_of(method, classes=False)) == (METHODS[method].without_classes is not None)
    assert rivals_of("own.py:f", classes=True) == rivals_of("own.py:f", classes=False) == ()


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
    for kind, one in RIVALS.items():
        if isinstance(one.tries, Rates):
            monkeypatch.setitem(
                RIVALS, kind, replace(one, tries=replace(one.tries, rates=one.tries.rates[-2:], steps=7))
            )
    monkeypatch.setattr(_chosen_rival, "_VALIDATION_TASKS", 5)
    monkeypatch.setattr(_chosen_rival, "_WIDEN", 0)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Pretrained runs on texts, by method."""
    root = tmp_path_factory.mktemp("texts")
    data = folders.write_texts(root / "texts.csv")
    return {
        method: open_run(folders.train("text", root / method, "--data", str(data), "--method", method))[1]
        for method in ON_FEATURES
    }


@pytest.mark.parametrize(
    ("method", "kind"),
    [(method, kind) for method, own in ON_FEATURES.items() for kind in (*own, "from_scratch", "constant")],
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
    one = RIVALS["fine_tune"]
    monkeypatch.setitem(RIVALS, "fine_tune", replace(one, tries=replace(one.tries, head_steps=(5,))))
    learner, note, chosen = rival("fine_tune", texts["pretraining"])
    assert chosen["head_steps"] == 5
    assert ", the first 5 of the head alone, " in note
    assert learner.spec["arguments"]["head_steps"] == 5


def test_closed_forms_of_a_table(table_run):
    _, experiment = open_run(table_run)
    found = {}
    for kind in ("pooled_ridge", "shrunk_ridge"):
        learner, note, _ = rival(kind, experiment)
        found[kind] = evaluate(learner, experiment.source.test, 10).mean
        assert note.endswith("chosen on 40 validation tasks")
    # height = rate of the plant x light + 30 water: a line for each plant is the truth
    assert found["shrunk_ridge"] < 0.01 < found["pooled_ridge"]
