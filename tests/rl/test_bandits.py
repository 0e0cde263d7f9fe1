"""Bandits pay as they should, and the rules that know them earn what is known."""

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.rl import (
    UCB1,
    Bandits,
    CategoricalActions,
    RandomArm,
    Sampling,
    Thompson,
    When,
    collect,
    episode_keys,
    evaluate_policy,
)

TASKS = torch.arange(20)
FAMILY = Bandits(arms=3, pulls=20)


def always(arm):
    return lambda seen: CategoricalActions(torch.full((*seen.shape[:2], 3), -torch.inf).index_fill(-1, arm, 0.0))


def test_an_arm_pays_as_often_as_its_probability_says():
    for arm in range(3):
        keys = episode_keys(0, 0, 0, TASKS, 500)
        found = collect(always(torch.tensor(arm)), FAMILY.train, TASKS, keys)
        assert set(found.reward.unique().tolist()) <= {0.0, 1.0}
        assert (found.action == arm).all()
        assert torch.allclose(found.reward.mean((1, 2)), FAMILY.train.probabilities(TASKS)[:, arm], atol=0.02)


def test_the_splits_have_no_bandit_in_common():
    splits = (FAMILY.train, FAMILY.validation, FAMILY.test)
    found = [set(map(tuple, split.probabilities(torch.arange(500)).tolist())) for split in splits]
    assert [len(each) for each in found] == [500] * 3
    assert not (found[0] & found[1] | found[0] & found[2] | found[1] & found[2])


def test_still_and_oracle_are_the_mean_and_the_best():
    paying = FAMILY.train.probabilities(TASKS)
    assert torch.allclose(FAMILY.train.still(TASKS), 20 * paying.mean(1))
    assert torch.allclose(FAMILY.train.oracle(TASKS), 20 * paying.max(1).values)


def test_rules_stand_in_the_known_order():
    rules = [RandomArm(), UCB1(), Thompson()]
    found = [evaluate_policy(rule, FAMILY.test, 300, rounds=0, sampling=Sampling(episodes=4)) for rule in rules]
    random, ucb, thompson = (each.curve[0] for each in found)
    assert random.mean == pytest.approx(found[0].still.mean(), abs=0.3)
    assert min(ucb.low, thompson.low) > random.high
    assert max(ucb.high, thompson.high) < found[0].oracle.mean()


def test_ucb_pulls_every_arm_once_and_then_the_largest_bound():
    rule, keys = UCB1(), torch.zeros(1, 1, dtype=torch.int64)
    pulled, paid = torch.tensor([[[1.0, 0.0, 2.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
    assert rule.choose(pulled, paid, 3, keys).item() == 1
    pulled = torch.tensor([[[8.0, 1.0, 8.0]]])
    paid = torch.tensor([[[4.0, 0.0, 4.0]]])
    # 1/2 + sqrt(2 log 17 / 8) = 1.34 is less than 0 + sqrt(2 log 17) = 2.38
    assert rule.choose(pulled, paid, 17, keys).item() == 1
    assert UCB1(0.1).choose(pulled, paid, 17, keys).item() == 0


@pytest.mark.parametrize("rule", [RandomArm(), UCB1(), Thompson()], ids=lambda rule: rule.name)
def test_a_rule_does_the_same_again_and_leaves_the_generator_alone(rule):
    before = torch.get_rng_state()
    found = [list(rule.course(FAMILY.test, TASKS, When(0, 0), 1, Sampling(episodes=2))) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(*found, strict=True):
        assert torch.equal(a.episodes.action, b.episodes.action)
    assert not torch.equal(found[0][0].episodes.reward, found[0][1].episodes.reward)


@pytest.mark.parametrize("wrong", [{"arms": 1}, {"pulls": 0}])
def test_a_bandit_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="at least 2 arms"):
        Bandits(**wrong)
