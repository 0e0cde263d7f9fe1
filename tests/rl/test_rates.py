"""A rate is chosen on tasks that do not judge it."""

import numpy as np
import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD
from innerloop.outer import Run
from innerloop.rl import (
    RL2,
    Bandits,
    GaussianPolicy,
    Navigation,
    Pooled,
    Returns,
    Sampling,
    best_rate,
    cross_judged,
    evaluate_policy,
    evaluate_rates,
    maml_policy,
    train,
)

GOALS, SAMPLING = Navigation(horizon=5), Sampling(episodes=2)


def learner_of():
    torch.manual_seed(0)
    return maml_policy(GaussianPolicy(2, 2, (8,), std=0.2), inner_lr=0.3)


def returns(*values):
    """Returns after a round, the same before it."""
    before = [0.0] * len(values)
    return Returns("x", np.array([before, values]), np.zeros(len(values)), None, {}, 0, 2, 10, 0.5)


def test_each_half_is_judged_at_the_rate_that_is_best_on_the_other():
    # even places like the first rate and odd ones the second
    found = {0.1: returns(5.0, 1.0, 5.0, 2.0), 0.2: returns(3.0, 4.0, 3.0, 4.0)}
    judged = cross_judged(found)
    assert judged.values[1].tolist() == [3.0, 1.0, 3.0, 2.0]
    assert (judged.environment_steps, judged.seconds) == (20, 1.0)
    assert best_rate(found) == 0.2
    assert cross_judged({0.1: returns(7.0), 0.2: returns(8.0)}).values[1].tolist() == [8.0]


def test_noise_alone_is_not_made_better_by_the_choice():
    draws = np.random.default_rng(0).normal(size=(200, 10, 20))
    judged = [cross_judged(dict(enumerate(returns(*row) for row in one))).values[1].mean() for one in draws]
    best = [max(row.mean() for row in one) for one in draws]
    assert abs(np.mean(judged)) < 3 * np.std(judged) / np.sqrt(len(judged))
    assert np.mean(best) > 0.2


def test_each_rate_is_evaluated_as_if_it_were_the_learners_own():
    learner = learner_of()
    found = evaluate_rates(learner, GOALS.validation, [0.01, 1.0], 3, sampling=SAMPLING)
    assert learner.optimiser.rate == 0.3
    for rate, each in found.items():
        learner.optimiser = SGD(rate)
        alone = evaluate_policy(learner, GOALS.validation, 3, rounds=1, sampling=SAMPLING)
        assert np.array_equal(each.values, alone.values)
    assert np.array_equal(found[0.01].values[0], found[1.0].values[0])


def test_what_is_pretrained_is_validated_at_the_rates_that_suit_it(tmp_path):
    learner, rates = learner_of(), [0.01, 0.1, 1.0]
    train(
        learner, GOALS.train, algorithm=Pooled(), iterations=1, tasks=2, sampling=SAMPLING, run=tmp_path,
        validation=GOALS.validation, validation_tasks=4, validation_rates=rates, progress=False,
    )  # fmt: skip
    (line,) = [line for line in Run(tmp_path).metrics() if "validation" in line]
    judged = cross_judged(evaluate_rates(learner, GOALS.validation, rates, 4, sampling=SAMPLING))
    assert (line["validation_before"], line["validation"]) == tuple(point.mean for point in judged.curve)
    assert Run(tmp_path).config()["settings"]["validation_rates"] == rates
    assert learner.optimiser.rate == 0.3


@pytest.mark.parametrize("wrong", [{"validation_rates": []}, {"validation_rates": [0.1], "validation_rounds": 2}])
def test_no_rate_and_other_rounds_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="at least one rate, judged after one round"):
        train(learner_of(), GOALS.train, algorithm=Pooled(), iterations=1, validation=GOALS.validation, **wrong)


def test_who_has_no_rate_is_refused():
    bandits = Bandits(pulls=2)
    with pytest.raises(ConfigurationError, match="got RL² and"):
        evaluate_rates(RL2(bandits.train.observation, bandits.train.action, 4), bandits.validation, [0.1], 2)
    with pytest.raises(ConfigurationError, match="at least one rate to try"):
        evaluate_rates(learner_of(), GOALS.validation, [], 2)
