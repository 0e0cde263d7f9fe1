"""The evidence of reinforcement learning, with tiny settings: rows are kept, and a stopped training goes on."""

import dataclasses
import importlib.util
import json
from pathlib import Path

import pytest

from innerloop.outer import Run
from innerloop.recipes import policy_recipe

PATH = Path(__file__).parents[2] / "evidence" / "rl.py"


@pytest.fixture
def evidence(monkeypatch):
    spec = importlib.util.spec_from_file_location("evidence_rl", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, few in (("TEST_GOALS", 2), ("TEST_BANDITS", 5), ("TEST_SPEEDS", 2), ("TUNED_ON", 4)):
        monkeypatch.setattr(module, name, few)
    for name in ("RATES", "CHEETAH_RATES"):
        monkeypatch.setattr(module, name, (0.05, 0.1))
    small = {"tasks": 2, "episodes": 2, "horizon": 5, "validation_tasks": 2, "hidden": (8,)}
    monkeypatch.setattr(
        module, "policy_recipe", lambda *name: dataclasses.replace(policy_recipe(*name), **small)
    )  # fmt: skip
    return module


def row(evidence, family, method, folder, iterations=1):
    found = evidence.row(family, method, 0, iterations=iterations, runs=folder, workers=1)
    assert json.dumps(found)
    return found


@pytest.mark.parametrize("method", ["UCB1 tuned", "Thompson", "random"])
def test_rules_for_bandits_have_their_regret(evidence, method, tmp_path):
    found = row(evidence, "bandits 100", method, tmp_path)
    assert found["returns"]["source"]["pulls"] == 100
    (mean, _), oracle = found["returns"]["regret"][0], found["returns"]["oracle"]
    assert mean == pytest.approx(sum(oracle) / 5 - found["returns"]["curve"][0][0], abs=1e-3)
    assert ("width" in found) == (method == "UCB1 tuned")


@pytest.mark.parametrize("method", ["promp", "trpo first order", "pooled", "scratch"])
def test_navigation(evidence, method, tmp_path):
    found = row(evidence, "navigation", method, tmp_path)
    assert len(found["returns"]["curve"]) == 4
    assert ("environment_steps" in found) == (method != "scratch")


@pytest.mark.apps
@pytest.mark.parametrize("method", ["promp", "trpo", "pooled", "scratch"])
def test_cheetah(evidence, method, tmp_path):
    found = row(evidence, "cheetah", method, tmp_path, iterations=2)
    assert len(found["returns"]["curve"]) == 4
    if method == "scratch":
        assert "course" not in found
        return
    assert found["environment_steps"] == 80  # pooled: twice the iterations with half the episodes
    steps, before, after, _ = found["course"][-1]
    assert steps == 80
    assert before != after
    # finished: nothing is trained again
    assert row(evidence, "cheetah", method, tmp_path, iterations=2)["course"] == found["course"]
    assert Run(tmp_path / f"rl-cheetah-{method}-0").exists
