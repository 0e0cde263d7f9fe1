import json

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
    assert {"mujoco", "metaworld"} <= row["about"].keys()


@pytest.mark.apps
@pytest.mark.parametrize("method", ["maml", "last_state", "joint_fine_tuned"])
def test_a_row_of_curves_and_the_picture_of_it(method, monkeypatch, tmp_path):
    for name, value in {"CURVE_SHOTS": (1, 2), "STEPS_SHOTS": (1,), "CURVE_STEPS": 2, "CURVE_RATES": (1e-2,)}.items():
        monkeypatch.setattr(control, name, value)
    monkeypatch.setattr(control, "GRID", {name: [(1, 1e-3)] for name in control.GRID})
    shape = {name: TINY[name] for name in ("task", "seed", "steps", "demonstrated", "goals", "limit", "workers")}
    row = json.loads(json.dumps(control.curves(method, **shape), allow_nan=False))
    assert set(row["over_shots"]) == set(row["values"]) == {"1", "2"}
    assert [len(values) for values in row["values"].values()] == [2, 2]
    assert {shots: len(points) for shots, points in row["over_steps"].items()} == (
        {} if method == "last_state" else {"1": 3}
    )
    assert row["chosen"]["shots 2"] == (
        {"inner_steps": 1, "inner_lr": 1e-3, "validation": [[1, 1e-3, 0.0]]} if method in control.GRID else None
    )
    picture([{"cell": [method, *shape.values()], **row}], tmp_path / "images" / "curves.png")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["curves.png"]


def test_every_method_of_the_table_is_known():
    assert set(control.FROM_NETWORK) | set(control.GRID) <= set(control.FITTED)
    assert {*control.MORE_METHODS, *control.CURVE_METHODS} <= {*control.METHODS}
    assert len(set(control.METHODS)) == len(control.TRAINED) + len(control.FITTED)
