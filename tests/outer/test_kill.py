"""kill -9 at random moments: the shared code is in evidence/kill.py."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "evidence" / "kill.py"


@pytest.fixture(scope="module")
def kill():
    spec = importlib.util.spec_from_file_location("kill", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_killed_run_ends_as_a_calm_one(kill, tmp_path):
    found = kill.experiment(tmp_path, kills=3, steps=300, seed=1)
    assert found["different"] == []
    assert any(event["alive"] and event["to_step"] > event["from_step"] for event in found["events"])


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_as_a_calm_one(kill, tmp_path):
    found = kill.experiment(tmp_path, kills=20, steps=6_000, seed=2)
    assert found["different"] == []


def test_the_comparison_sees_a_difference(kill, tmp_path):
    from helpers import folders

    calm = folders.train("sinusoids", tmp_path / "calm")
    other = folders.train("sinusoids", tmp_path / "other", "--seed", "1")
    assert {"best: learner" in found or "best" in found for found in kill.differences(kill.Run(calm), kill.Run(other))}
    assert kill.differences(kill.Run(calm), kill.Run(calm)) == []
