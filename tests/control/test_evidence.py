import json

import pytest

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


def test_every_method_of_the_table_is_known():
    assert set(control.FROM_NETWORK) | set(control.GRID) <= set(control.FITTED)
    assert len(set(control.METHODS)) == len(control.TRAINED) + len(control.FITTED)
