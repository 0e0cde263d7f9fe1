"""Several trainings as one row."""

import json

import numpy as np
import pytest

from helpers.evaluations import compared, evaluation, seeded
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Evaluation, averaged, calibration, interval, paired_difference


def test_values_are_means_over_seeds_and_the_interval_is_over_tasks():
    draw = np.random.default_rng(0)
    one, two, three = draw.random((3, 50))
    found = averaged({3: evaluation("a", one), 5: evaluation("a", two), 9: evaluation("a", three)})
    np.testing.assert_allclose(found.values, (one + two + three) / 3)
    assert found.interval == interval((one + two + three) / 3)
    assert found.seeds == [(3, one.mean()), (5, two.mean()), (9, three.mean())]
    assert found.spread == pytest.approx(np.std([one.mean(), two.mean(), three.mean()], ddof=1))


def test_one_seed_is_itself():
    one = evaluation("a", [0.2, 0.6], curve=[(0.1, 0.0)], curve_tasks=2)
    found = averaged({4: one})
    assert found.values is one.values
    assert found.seeds == [(4, pytest.approx(0.4))]
    assert found.spread is None


def test_a_paired_difference_is_that_of_the_means_over_seeds():
    draw = np.random.default_rng(1)
    a, b = draw.random((2, 40)), draw.random((3, 40))
    rows = compared(
        averaged({s: evaluation("a", v) for s, v in enumerate(a)}),
        averaged({s: evaluation("b", v) for s, v in enumerate(b)}),
    )
    # by hand: over tasks, the mean over the seeds of one minus that of the other
    by_hand = np.array([np.mean(a[:, t]) - np.mean(b[:, t]) for t in range(40)])
    found = rows.difference("a", "b")
    assert found.mean == pytest.approx(by_hand.mean())
    assert found == paired_difference(a.mean(0), b.mean(0))


def test_other_tasks_are_no_other_seed():
    one = evaluation("a", [0.2, 0.6])
    other = evaluation("a", [0.2, 0.6], source={**one.source, "shots": 5})
    with pytest.raises(ConfigurationError, match="seed 1 was evaluated on other tasks"):
        averaged({0: one, 1: other})
    with pytest.raises(ConfigurationError, match="other tasks"):
        averaged({0: one, 1: evaluation("a", [0.2])})
    with pytest.raises(ConfigurationError, match="got none"):
        averaged({})


def test_curves_are_averaged_as_far_as_all_of_them_go():
    one = evaluation("a", [0.2, 0.6], curve=[(0.1, 0.01), (0.3, 0.02), (0.4, 0.02)], curve_tasks=20)
    two = evaluation("a", [0.2, 0.6], curve=[(0.3, 0.03), (0.5, 0.04)], curve_tasks=10)
    found = averaged({0: one, 1: two})
    np.testing.assert_allclose(found.curve, [(0.2, 0.02), (0.4, 0.03)])
    assert found.curve_tasks == 10
    assert found.curve_values is None


def test_curves_of_tasks_are_averaged_task_by_task():
    draw = np.random.default_rng(2)
    a, b = draw.random((4, 3)), draw.random((3, 2))
    one = evaluation("a", [0.2, 0.6], curve=[(0.1, 0.0)] * 3, curve_tasks=4, curve_values=a)
    two = evaluation("a", [0.2, 0.6], curve=[(0.1, 0.0)] * 2, curve_tasks=3, curve_values=b)
    np.testing.assert_allclose(averaged({0: one, 1: two}).curve_values, (a[:3, :2] + b) / 2)


def test_calibration_pools_the_predictions():
    draw = np.random.default_rng(2)
    parts = [(draw.random(300), draw.random(300) < 0.6), (draw.random(500), draw.random(500) < 0.3)]
    rows = {
        seed: evaluation("a", [0.2, 0.6], calibration=calibration(sure, right))
        for seed, (sure, right) in enumerate(parts)
    }
    whole = calibration(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    found = averaged(rows).calibration
    assert found.count == whole.count
    assert found.error == pytest.approx(whole.error)
    np.testing.assert_allclose(found.confidence, whole.confidence)
    assert averaged({0: evaluation("a", [1.0]), 1: evaluation("a", [1.0])}).calibration is None


def test_a_diverged_seed_leaves_no_mean():
    found = averaged({0: evaluation("a", [1.0, 2.0]), 1: evaluation("a", [np.nan, 2.0])})
    assert np.isnan(found.mean)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["seeds"] == [[0, 1.5], [1, None]]


def test_json_gives_the_seeds_back():
    found = seeded("a", [0.8, 0.9])
    again = Evaluation.from_json(json.loads(json.dumps(found.to_json())))
    assert again.seeds == [(0, pytest.approx(0.8)), (1, pytest.approx(0.9))]
    assert again.spread == pytest.approx(found.spread)
    assert "standard deviation over 2 training seeds 7.1 points" in str(found)
    # a file from before there were seeds
    old = {name: value for name, value in found.to_json().items() if name != "seeds"}
    assert Evaluation.from_json(old).seeds == []


def test_a_verdict_says_where_seeds_disagree():
    rows = compared(seeded("good", [0.80, 0.90]), seeded("fair", [0.82, 0.74]))
    assert rows.other_way("good", "fair") == (1, 4)
    assert rows.verdict("good", "fair").endswith(", though not in 1 of 4 pairs of training seeds")
    assert rows.verdict("fair", "good").endswith(", though not in 1 of 4 pairs of training seeds")
    clear = compared(seeded("good", [0.80, 0.90]), seeded("bad", [0.3, 0.4]))
    assert clear.other_way("good", "bad") == (0, 4)
    assert clear.verdict("good", "bad").endswith(")")
