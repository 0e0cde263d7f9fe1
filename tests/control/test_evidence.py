import json
from types import SimpleNamespace

import pytest
from _control_picture import picture

import control

TINY = {
    "task": "reach",
    "seed": 0,
    "steps": 2,
    "demonstrated": 2,
    "goals": 2,
    "rollouts": 1,
    "shots": [1, 2],
    "limit": 10,
    "workers": 1,
}


@pytest.mark.apps
@pytest.mark.parametrize("method", ["maml", "replay", "joint_fine_tuned"])
def test_a_row_says_what_was_reached_and_how_it_was_made(method, monkeypatch):
    monkeypatch.setattr(control, "GRID", {"joint_fine_tuned": [(1, 1e-3), (2, 1e-2)]})
    row = json.loads(json.dumps(control.row(method, **TINY), allow_nan=False))
    assert len(row["values"]) == 2
    assert row["over_shots"]["1"] == row["success"]
    assert set(row["over_shots"]) == {"1", "2"}
    assert (row["not_adapted"] is None) == (method == "replay")
    assert len(row["curve"]) == (11 if method == "maml" else 0)
    if method == "joint_fine_tuned":
        tried = {tuple(pair) for *pair, _ in row["chosen"]["validation"]}
        assert (row["chosen"]["inner_steps"], row["chosen"]["inner_lr"]) in tried == {(1, 1e-3), (2, 1e-2)}
    assert {"mujoco", "metaworld", "reward"} <= row["about"].keys()


@pytest.mark.apps
@pytest.mark.parametrize("method", ["maml", "last_state", "joint_fine_tuned"])
def test_a_row_of_curves_and_the_picture_of_it(method, monkeypatch, tmp_path):
    for name, value in {"CURVE_SHOTS": (1, 2), "STEPS_SHOTS": (1,), "CURVE_STEPS": 2, "CURVE_RATES": (1e-2,)}.items():
        monkeypatch.setattr(control, name, value)
    monkeypatch.setattr(control, "GRID", {name: [(1, 1e-3)] for name in control.GRID})
    for name, value in {"MANY": 2, "LONGER": [(2, 1e-3)], "MAML_STEPS": (1, 3), "CHOICE_ROLLOUTS": 1}.items():
        monkeypatch.setattr(control, name, value)
    shape = {name: TINY[name] for name in ("task", "seed", "steps", "demonstrated", "goals", "limit", "workers")}
    row = json.loads(json.dumps(control.curves(method, **shape), allow_nan=False))
    assert set(row["over_shots"]) == set(row["values"]) == {"1", "2"}
    assert [len(values) for values in row["values"].values()] == [2, 2]
    assert {shots: len(points) for shots, points in row["over_steps"].items()} == (
        {} if method == "last_state" else {"1": 3}
    )
    tried = {"maml": [[1, 0.1, 0.0], [3, 0.1, 0.0]], "joint_fine_tuned": [[1, 1e-3, 0.0], [2, 1e-3, 0.0]]}.get(method)
    assert row["chosen"]["shots 2"] == (
        None if tried is None else {"inner_steps": 1, "inner_lr": tried[0][1], "validation": tried}
    )
    assert json.loads(json.dumps(control.settings_of("curves", method, *shape.values()))).get("tried", {}) == (
        {} if tried is None else {"1": [each[:2] for each in tried[: None if method == "maml" else 1]],
                                  "2": [each[:2] for each in tried]}
    )  # fmt: skip
    picture([{"cell": [method, *shape.values()], **row}], tmp_path / "images" / "curves.png")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["curves.png"]


def test_the_steps_of_a_trained_learner_are_chosen_on_copies_of_it(monkeypatch):
    learner = control.TRAINED["maml"]().eval()

    def choose(make, settings, validation, **told):
        assert (validation, told) == ("goals", {"rollouts": control.CHOICE_ROLLOUTS, "limit": 10})
        made = [make(setting) for setting in settings]
        assert [each.test_steps for each in made] == [1, 3]
        return SimpleNamespace(setting=settings[1], learner=made[1], tried=[(settings[1], 0.5)])

    monkeypatch.setattr(control, "select_by_success", choose)
    found, chosen = control.tuned("maml", learner, [(1, 0.1), (3, 0.1)], "goals", {"limit": 10})
    assert (found.test_steps, learner.test_steps) == (3, 1)
    assert chosen == {"inner_steps": 3, "inner_lr": 0.1, "validation": [[3, 0.1, 0.5]]}


def test_only_what_is_chosen_decides_a_row_beside_its_cell():
    assert control.settings_of("rows", "maml", "reach", 0) == {} == control.settings_of("curves", "last_state")
    assert control.settings_of("rows", "joint_fine_tuned")["tried"] == control.GRID["joint_fine_tuned"]
    over = control.settings_of("curves", "joint_fine_tuned")["tried"]
    assert [max(steps for steps, _ in over[shots]) for shots in ("1", "2", "5", "20")] == [200, 200, 1_000, 1_000]


def test_every_method_of_the_table_is_known():
    assert set(control.FROM_NETWORK) | set(control.GRID) <= set(control.FITTED)
    assert {*control.MORE_METHODS, *control.CURVE_METHODS} <= {*control.METHODS}
    assert len(set(control.METHODS)) == len(control.TRAINED) + len(control.FITTED)
