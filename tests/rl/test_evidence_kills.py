"""What counts as a kill in evidence/rl_kills.py, and who is left behind."""

import random
import subprocess
import sys

import kill
import pytest
import rl_kills

from innerloop.cli import main
from innerloop.outer import Run


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("victim", ["main", "worker"])
def test_a_process_that_has_ended_cannot_be_killed(victim, tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        assert rl_kills.kill_once(Run(tmp_path / "run"), process, victim, random.Random(0)) is None


def test_a_process_that_ends_by_itself_while_it_is_looked_at_is_no_kill(tmp_path, monkeypatch):
    monkeypatch.setattr(rl_kills, "await_step", lambda run, process: process.wait())
    monkeypatch.setattr(rl_kills, "workers_of", lambda process: [1])
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert rl_kills.kill_once(Run(tmp_path / "run"), process, "main", random.Random(0)) is None


def test_a_kill_of_the_main_process_says_how_many_workers_are_left(tmp_path, monkeypatch, sleeper):
    monkeypatch.setattr(rl_kills, "ORPHAN_SECONDS", 0.1)
    monkeypatch.setattr(rl_kills, "await_step", lambda run, process: None)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as main:
        monkeypatch.setattr(rl_kills, "workers_of", lambda process: [sleeper.pid, main.pid])
        found = rl_kills.kill_once(Run(tmp_path / "run"), main, "main", random.Random(0))
    assert found == {"victim": "main", "during": "training", "workers": 2, "at_step": 0, "to_step": 0, "orphans": 1}


def test_an_orphan_that_has_ended_and_waits_for_its_parent_is_none(sleeper, monkeypatch):
    monkeypatch.setattr(rl_kills, "ORPHAN_SECONDS", 5.0)
    sleeper.kill()
    assert rl_kills.orphans_of([sleeper.pid]) == 0


def test_a_kill_at_the_start_does_not_wait_for_a_checkpoint(tmp_path, monkeypatch, sleeper):
    draw = random.Random(0)
    monkeypatch.setattr(draw, "uniform", lambda low, high: low)
    monkeypatch.setattr(rl_kills, "workers_of", lambda process: [])
    found = rl_kills.kill_at_start(Run(tmp_path / "run"), sleeper, draw)
    assert found == {"victim": "main", "during": "start", "workers": 0, "at_step": 0, "to_step": 0, "orphans": 0}
    assert rl_kills.kill_at_start(Run(tmp_path / "run"), sleeper, draw) is not None  # the signal was ours
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        assert rl_kills.kill_at_start(Run(tmp_path / "run"), ended, draw) is None


def test_two_runs_of_one_command_differ_in_times_alone(tmp_path):
    small = ["--iterations", "2", "--tasks", "2", "--episodes", "2", "--horizon", "5", "--hidden", "4"]
    small += ["--validation-tasks", "2", "--test-tasks", "2"]
    runs = [Run(tmp_path / str(seed)) for seed in (0, 1, 2)]
    for run, seed in zip(runs, ("0", "0", "1"), strict=True):
        assert main(["train", "navigation", "--run", str(run.folder), *small, "--seed", seed]) == 0
    one, again, other = runs
    assert kill.differences(one, again) == []
    assert "metrics.jsonl" in kill.differences(one, other)
