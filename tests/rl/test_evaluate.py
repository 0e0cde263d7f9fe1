"""Returns per fixed task and round, and the lines beside them."""

import json

import numpy as np
import pytest
import torch

from helpers.policies import learner_of
from helpers.simulator import Walks
from innerloop.errors import ConfigurationError
from innerloop.rl import GaussianPolicy, Navigation, Returns, Sampling, When, evaluate_policy, maml_policy

GOALS = Navigation(horizon=6)


def test_a_task_keeps_its_number_and_the_same_seed_its_episodes():
    learner, sampling = learner_of(), Sampling(episodes=2)
    found = evaluate_policy(learner, GOALS.test, 4, rounds=2, sampling=sampling)
    assert found.values.shape == (3, 4)
    assert np.array_equal(found.values, evaluate_policy(learner, GOALS.test, 4, rounds=2, sampling=sampling).values)
    later = evaluate_policy(learner, GOALS.test, 2, rounds=2, first=2, sampling=sampling)
    assert later.values == pytest.approx(found.values[:, 2:], abs=1e-4)
    assert not np.array_equal(found.values, evaluate_policy(learner, GOALS.test, 4, rounds=2, seed=1).values)


def test_rounds_are_those_of_the_course():
    learner, sampling = learner_of(), Sampling(episodes=2)
    indices = torch.arange(4)
    course = list(learner.course(GOALS.test, indices, When(0, -1), 1, sampling))
    found = evaluate_policy(learner, GOALS.test, 4, sampling=sampling)
    for done, values in zip(course, found.values, strict=True):
        assert values == pytest.approx(done.episodes.returns.mean(1).numpy())
    assert found.environment_steps == sum(done.episodes.steps for done in course)


def test_a_learner_takes_its_test_steps_and_is_left_in_its_mode():
    learner, sampling = learner_of(), Sampling(episodes=2)
    one = evaluate_policy(learner, GOALS.test, 4, sampling=sampling).values
    learner.test_steps = 3
    assert not np.array_equal(evaluate_policy(learner, GOALS.test, 4, sampling=sampling).values[1], one[1])
    assert learner.training
    learner.eval()
    evaluate_policy(learner, GOALS.test, 1, sampling=sampling)
    assert not learner.training


def test_trivial_and_oracle_returns_stand_beside_and_all_survives_json():
    found = evaluate_policy(learner_of(), GOALS.test, 4)
    assert found.still == pytest.approx(GOALS.test.still(torch.arange(4)).numpy())
    assert (found.oracle > found.still).all()
    assert "trivial policy" in str(found)
    assert "oracle" in str(found)
    value = json.loads(json.dumps(found.to_json()))
    assert value["curve"][1][0] == pytest.approx(found.curve[1].mean)
    assert np.array(value["values"]).shape == (2, 4)


def test_success_is_a_share_of_episodes_where_environments_say_it():
    torch.manual_seed(4)
    learner, sampling = maml_policy(GaussianPolicy(1, 1, (8,), std=0.3), inner_lr=0.1), Sampling(episodes=4)
    found = evaluate_policy(learner, Walks(goal=0.4), 3, sampling=sampling)
    course = list(learner.course(Walks(goal=0.4), torch.arange(3), When(0, -1), 1, sampling))
    for done, rates in zip(course, found.success, strict=True):
        assert rates == pytest.approx(done.episodes.success.double().mean(1).numpy())
    assert [each.mean for each in found.success_curve] == pytest.approx(found.success.mean(1))
    assert f"success {100 * found.success[0].mean():.1f} ± " in str(found)
    again = Returns.from_json(json.loads(json.dumps(found.to_json())))
    assert again.success == pytest.approx(found.success, abs=1e-4)
    with pytest.raises(ValueError, match="values of shape"):
        Returns.from_json({**found.to_json(), "success": [[0.0]]})
    silent = evaluate_policy(learner, Walks(), 3, sampling=sampling)
    assert silent.success is None is silent.success_curve
    assert "success" not in str(silent)
    assert "success" not in silent.to_json()


@pytest.mark.parametrize("wrong", [{"tasks": 0}, {"rounds": -1}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="at least 1 task"):
        evaluate_policy(learner_of(), GOALS.test, **wrong)


@pytest.mark.parametrize("wrong", [{"episodes": 0}, {"discount": 1.1}, {"trace": -0.1}])
def test_a_sampling_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Sampling(**wrong)
