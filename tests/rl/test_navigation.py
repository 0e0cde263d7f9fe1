"""Splits are disjoint, episodes a function of their keys, and the trivial and best returns what walking gives."""

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.rl import Navigation, NavigationTasks, NormalActions, collect, episode_keys

TASKS = torch.arange(20)


def always(action):
    """A policy without noise that looks at nothing, or that walks towards given goals."""

    def act(observation):
        mean = action(observation) if callable(action) else torch.full_like(observation, action)
        return NormalActions(mean, torch.full_like(mean, -30.0))

    return act


def test_the_splits_have_no_goal_in_common():
    family = Navigation()
    goals = [
        set(map(tuple, split.goals(torch.arange(1_000)).tolist()))
        for split in (family.train, family.validation, family.test)
    ]
    assert [len(each) for each in goals] == [1_000] * 3
    assert not (goals[0] & goals[1] | goals[0] & goals[2] | goals[1] & goals[2])


def test_goals_lie_in_the_square():
    goals = Navigation().train.goals(torch.arange(2_000))
    assert goals.abs().max() <= 0.5
    assert goals.mean(0).abs().max() < 0.03
    assert goals.std(0) == pytest.approx([12**-0.5] * 2, abs=0.01)


def test_standing_still_gives_the_still_return():
    family = Navigation(horizon=7).train
    found = collect(always(0.0), family, TASKS, episode_keys(0, 0, 0, TASKS, 2))
    assert torch.allclose(found.returns, family.still(TASKS)[:, None].expand(20, 2), atol=1e-4)


def test_walking_to_the_goal_gives_the_return_of_the_oracle_and_ends_the_episode():
    family = NavigationTasks(horizon=20, radius=1e-6)
    goal = family.goals(TASKS)[:, None]
    found = collect(always(lambda seen: goal - seen), family, TASKS, episode_keys(0, 0, 0, TASKS, 1))
    assert torch.allclose(found.returns[:, 0], family.oracle(TASKS), atol=1e-4)
    needed = (goal.abs().amax((1, 2)) / 0.1).ceil().long()
    assert torch.equal(found.mask.sum(-1)[:, 0], needed)
    assert found.steps == int(needed.sum())
    assert found.mask.sum() < found.mask.numel()
    assert found.observation[~found.mask].abs().max() == 0


def test_actions_beyond_the_bounds_are_kept_as_drawn_and_have_the_effect_of_the_bound():
    family = Navigation(horizon=2).train
    found = collect(always(5.0), family, TASKS, episode_keys(0, 0, 0, TASKS, 1))
    assert torch.allclose(found.action, torch.tensor(5.0))
    assert torch.allclose(found.observation[:, 0, 1], torch.tensor(0.1))


def test_a_split_or_horizon_that_cannot_be_is_refused():
    with pytest.raises(ConfigurationError, match="no split 'dev'"):
        NavigationTasks(split="dev").goals(TASKS)
    with pytest.raises(ConfigurationError, match="horizon=0"):
        Navigation(horizon=0)
