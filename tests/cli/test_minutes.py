"""`innerloop train --minutes`: the number of steps is found once and kept with the run."""

import dataclasses
import json

import pytest

from helpers import damage, folders
from innerloop.cli import _work, main
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.outer import Pace
from innerloop.recipes import _minutes, recipe

OPTIONS = [word for word in folders.SINUSOID_OPTIONS if word not in ("--steps", "8")]


@pytest.fixture
def trials(monkeypatch):
    """Counts trials; a step takes 0.6 s there."""
    made = []

    def fake(learner, **settings):
        made.append(settings["seconds"])
        return Pace(step=0.6, validation=0.0, mapping=Mapping(vectorise=True, reason="tried"))

    monkeypatch.setattr(_minutes, "pace", fake)
    return made


def train(folder, *more):
    return main(["train", "sinusoids", "--run", str(folder), *OPTIONS, *more])


def config(folder):
    return json.loads((folder / "config.json").read_text())


def test_minutes_become_steps(tmp_path, trials):
    assert train(tmp_path / "run", "--minutes", "0.1") == 0
    found = config(tmp_path / "run")
    assert (found["minutes"], found["recipe"]["steps"], found["settings"]["steps"]) == (0.1, 10, 10)
    assert found["mapping"]["reason"] == "tried"
    assert json.loads((tmp_path / "run" / "fit.json").read_text())["steps"] == 10
    assert trials == [pytest.approx(0.6)]  # a tenth of the time


def test_resuming_makes_no_other_trial(tmp_path, trials, monkeypatch):
    own = _work.fit

    def stopped(learner, **settings):
        own(learner, **settings)  # a run with a checkpoint, but without its results
        monkeypatch.setattr(_work, "fit", own)
        raise KeyboardInterrupt

    monkeypatch.setattr(_work, "fit", stopped)
    assert train(tmp_path / "run", "--minutes", "0.1") == 130
    assert train(tmp_path / "run", "--minutes", "0.1", "--resume") == 0
    assert len(trials) == 1
    assert config(tmp_path / "run")["recipe"]["steps"] == 10


def test_a_trial_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(learner, **settings):
        raise ConfigurationError("no time")

    monkeypatch.setattr(_minutes, "pace", fail)
    assert train(tmp_path / "run", "--minutes", "0.1") == 2
    assert list(tmp_path.iterdir()) == []


def test_other_minutes_are_other_settings(tmp_path, trials, fails):
    assert train(tmp_path / "run", "--minutes", "0.1") == 0
    before = damage.snapshot(tmp_path)
    line = fails("train", "sinusoids", "--run", tmp_path / "run", *OPTIONS, "--minutes", "0.2", "--resume")
    assert "minutes changed (from 0.1 to 0.2)" in line
    assert "already holds a run" in fails("train", "sinusoids", "--run", tmp_path / "run", *OPTIONS, "--minutes", "0.1")
    assert damage.snapshot(tmp_path) == before


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_minutes_that_cannot_be(minutes, tmp_path, fails):
    line = fails("train", "sinusoids", "--run", tmp_path / "run", *OPTIONS, f"--minutes={minutes}")
    assert "minutes must be a positive number" in line
    assert list(tmp_path.iterdir()) == []


def test_minutes_or_steps(tmp_path, fails):
    line = fails("train", "sinusoids", "--run", tmp_path / "run", "--minutes", "1", "--steps", "3")
    assert "name one of the two" in line


def test_one_process_only(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigurationError, match="with torchrun give --steps"):
        _minutes.within_minutes(recipe("sinusoids"), 1.0)


def test_a_real_trial():
    chosen = dataclasses.replace(recipe("sinusoids"), mapping="vmap", validation_tasks=2)
    found, mapping = _minutes.within_minutes(chosen, 0.02)
    assert found.steps > 10
    assert mapping.vectorise
