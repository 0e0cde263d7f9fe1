"""The evidence of reinforcement learning, with tiny settings: rows are kept, and a stopped training goes on."""

import dataclasses
import importlib.util
import json
import signal
import time
from pathlib import Path

import pytest

from innerloop.outer import Run
from innerloop.recipes import policy_recipe
from innerloop.rl._loop import Loop

PATH = Path(__file__).parents[2] / "evidence" / "rl.py"


def load():
    spec = importlib.util.spec_from_file_location("evidence_rl", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def evidence(monkeypatch):
    module = load()
    monkeypatch.setattr(module, "WIDTHS", (0.2, 1.0))
    small = {"tasks": 2, "episodes": 2, "validation_tasks": 2, "test_tasks": 2}

    def tiny(*name):
        recipe = policy_recipe(*name)
        more = {"horizon": 5, "hidden": (8,)} if hasattr(recipe, "horizon") else {}
        return dataclasses.replace(recipe, inner_rates=recipe.inner_rates[:2], **small, **more)

    monkeypatch.setattr(module, "policy_recipe", tiny)
    return module


def row(evidence, family, method, folder, iterations=1):
    found = evidence.row(family, method, 0, iterations=iterations, runs=folder, workers=1)
    assert json.dumps(found)
    return found


@pytest.mark.parametrize("family", ["navigation", "bandits", "bandits 100", "cheetah"])
def test_methods_are_trained_by_their_recipes_at_one_cost(family):
    module = load()
    costs = set()
    for method in (*module.FAMILIES[family].methods, *module.FAMILIES[family].more):
        for iterations in (None, 10):
            found = module.recipe_of(family, method, 3, iterations)
            costs.add((iterations, found.environment_steps))
            assert found.seed == 3
        if method not in (*module.RULES, "scratch"):
            expected = policy_recipe(module.FAMILIES[family].recipe, method, module.FAMILIES[family].preset)
            assert module.recipe_of(family, method, 0, None) == expected
    assert len(costs) == 2


def test_what_decides_a_row_is_kept_with_it():
    module = load()
    promp, short = (module.settings_of("navigation", "promp", 0, iterations) for iterations in (None, 5))
    assert {name for name in promp if promp[name] != short[name]} == {"iterations"}
    faster = module.settings_of("navigation", "promp", 0, None, 0.5)
    assert ({name for name in promp if promp[name] != faster[name]}, faster["rate"]) == ({"rate"}, 0.5)
    # who is not trained is the same whatever the others cost
    for family, method in (("navigation", "scratch"), ("bandits", "UCB1"), ("bandits", "UCB1 tuned")):
        assert module.settings_of(family, method, 0, None) == module.settings_of(family, method, 0, 5)
    assert module.settings_of("bandits", "UCB1 tuned", 0, None)["widths"] == module.WIDTHS


def test_rows_of_other_settings_are_refused(tmp_path, monkeypatch):
    module, out = load(), tmp_path / "rl.json"
    cell = ["navigation", "promp", 0]
    kept = json.loads(json.dumps(module.settings_of(*cell, None)))
    out.write_text(json.dumps({"rows": [{"cell": cell, "settings": kept, "returns": {"curve": [[1.0, 0.1]]}}]}))
    words = ["rl.py", "--families", "navigation", "--methods", "promp", "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    module.main()
    monkeypatch.setattr("sys.argv", [*words, "--iterations", "5"])
    with pytest.raises(SystemExit, match="iterations is 60, and 5 is asked for"):
        module.main()


@pytest.mark.parametrize("method", ["UCB1 tuned", "Thompson", "random"])
def test_rules_for_bandits_have_their_regret(evidence, method, tmp_path):
    found = row(evidence, "bandits 100", method, tmp_path)
    assert found["returns"]["source"]["pulls"] == 100
    (mean, _), oracle = found["returns"]["regret"][0], found["returns"]["oracle"]
    assert mean == pytest.approx(sum(oracle) / 2 - found["returns"]["curve"][0][0], abs=1e-3)
    assert ("width" in found) == (method == "UCB1 tuned")
    assert "seconds" not in found


def test_a_memory_is_trained_on_bandits(evidence, tmp_path):
    found = row(evidence, "bandits", "rl2", tmp_path)
    assert found["environment_steps"] == 2 * 2 * 10
    assert "inner_lr" not in found


@pytest.mark.parametrize("method", ["promp", "fomaml_trpo", "pooled", "scratch"])
def test_navigation(evidence, method, tmp_path):
    found = row(evidence, "navigation", method, tmp_path)
    assert len(found["returns"]["curve"]) == 4
    assert found["inner_lr"] in (0.01, 0.02)
    assert ("environment_steps" in found) == (method != "scratch")


def test_the_seconds_of_a_training_that_was_stopped_are_those_of_all_its_legs(evidence, tmp_path, monkeypatch):
    step, folder = Loop.step, tmp_path / "rl-navigation-promp-0"

    def slow(self):
        time.sleep(0.2)
        if self.record.state.step == 1:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "step", slow)
        with pytest.raises(KeyboardInterrupt):
            row(evidence, "navigation", "promp", tmp_path, iterations=3)
    leg = Run(folder).metrics()[-1]["seconds"]
    assert leg >= 0.4
    found = row(evidence, "navigation", "promp", tmp_path, iterations=3)
    assert found["iterations"] == 3
    assert found["seconds"] > leg
    assert 0 < found["cpu_seconds"] < found["seconds"]  # it slept


@pytest.mark.apps
@pytest.mark.parametrize("method", ["promp", "maml_trpo", "pooled", "scratch"])
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
