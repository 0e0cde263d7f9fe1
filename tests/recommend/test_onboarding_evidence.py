"""The script that asks new users: errors on the ratings that nobody was asked for, paired, on a small world."""

import itertools
import json

import numpy as np
import onboarding as evidence
import pytest

from innerloop.errors import DataError
from innerloop.evaluation import paired_difference
from innerloop.recommend import Simulator

SMALL = {"steps": 2, "factors": 2, "tasks_per_step": 2}


def test_every_choice_and_number_has_a_mean_and_every_pair_a_p(tmp_path):
    for seed in (0, 1):
        found = evidence.fitted(seed, users=100, runs=str(tmp_path), changes=SMALL)
        assert found["users"] == 20
        assert {name: len(set(items)) for name, items in found["asked"].items()} == {"3": 3, "5": 5, "10": 10}
    table = json.loads(json.dumps(evidence.statistics([0, 1], str(tmp_path)), allow_nan=False))
    keys = [(one["items"], one["choice"]) for one in table["rows"]]
    assert keys == list(itertools.product(evidence.QUESTIONS, evidence.CHOICES))
    parts = [np.load(evidence.kept(str(tmp_path), seed)) for seed in (0, 1)]
    ours, theirs = (np.concatenate([part[f"5 {c}"] for part in parts]) for c in ("onboarding", "random"))
    assert len(ours) == 40
    [pair] = [one for one in table["paired"] if (one["items"], one["against"]) == (5, "random")]
    mean, low, high = paired_difference(ours, theirs)
    np.testing.assert_allclose([pair["difference"], pair["low"], pair["high"]], [mean, low, high], atol=1e-6)
    assert 0 < pair["p"] <= 1
    evidence.kept(str(tmp_path), 1).unlink()
    with pytest.raises(DataError, match=r"onboarding-1.npz is not there, though its row is"):
        evidence.statistics([0, 1], str(tmp_path))


def test_ratings_on_arrival_are_the_truth_with_noise():
    world = Simulator(users=50, noise=0.75)
    users = np.arange(10, 40)
    found = evidence.ratings(world, users, np.random.default_rng(0))
    own = world.tastes(users)
    for row, item in ((0, 3), (29, 250)):
        taste = sum(own[row, 1 + f] * world.truth.factors[item, f] for f in range(4))
        expected = 3.5 + own[row, 0] + world.truth.quality[item] + taste
        assert abs(found[row, item] - expected) < 4 * 0.75
    expected = evidence.ratings(Simulator(users=50, noise=1e-9), users, np.random.default_rng(0))
    assert np.std(found - expected) == pytest.approx(0.75, rel=0.03)


def test_answers_are_each_users_own_ratings_in_the_order_of_the_questions():
    world, users = Simulator(users=50), np.array([4, 30])
    truth = np.arange(600.0).reshape(2, 300)
    events = evidence.answers(world, users, np.array([[7, 2], [9, 299]]), truth)
    first, second = (events.history(user) for user in users)
    assert (first.item.tolist(), first.value.tolist()) == ([7, 2], [7.0, 2.0])
    assert (second.item.tolist(), second.value.tolist()) == ([9, 299], [309.0, 599.0])


def test_sign_flips_agree_with_all_signs():
    difference = np.random.default_rng(1).normal(0.3, 1.0, 12)
    signs = np.array(list(itertools.product((-1, 1), repeat=12)))
    exact = (np.abs(signs @ difference) >= abs(difference.sum()) - 1e-9).mean()
    assert evidence.sign_flip(difference) == pytest.approx(exact, abs=0.02)
    assert evidence.sign_flip(np.zeros(5)) == 1.0
