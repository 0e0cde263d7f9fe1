"""A recurrent policy sees in training what it saw while acting, and learns within a trial."""

import pytest
import torch

from helpers.given import weights
from innerloop.errors import TrainingError
from innerloop.outer import Run
from innerloop.rl import (
    PPO,
    RL2,
    Bandits,
    Navigation,
    NavigationTasks,
    Sampling,
    When,
    evaluate_policy,
    log_prob,
    train,
)
from innerloop.rl._rl2 import inputs_of, trial_of

TASKS = torch.arange(3)


def policy_on(family, width=8):
    torch.manual_seed(2)
    return RL2(family.observation, family.action, width=width, std=0.3)


# some episodes end early, at another time each
@pytest.mark.parametrize("family", [NavigationTasks(horizon=12, radius=0.25), Bandits(3, 6).train])
def test_training_sees_what_acting_saw(family):
    policy = policy_on(family)
    course = list(policy.course(family, TASKS, When(0, 0), 2, Sampling(episodes=4)))
    trial, begins = trial_of(course)
    if isinstance(family, NavigationTasks):
        assert not course[0].episodes.mask.all()
    with torch.no_grad():
        again, _ = policy(inputs_of(policy, trial, begins).flatten(0, 1))
    found = log_prob(again, trial.action.flatten(0, 1)).view(trial.mask.shape)
    assert torch.allclose(found[trial.mask], trial.log_prob[trial.mask], atol=1e-4)


def test_a_trial_has_no_gaps_and_keeps_every_step():
    family = NavigationTasks(horizon=12, radius=0.25)
    course = list(policy_on(family).course(family, TASKS, When(0, 0), 2, Sampling(episodes=4)))
    trial, begins = trial_of(course)
    assert torch.equal(trial.mask.sum(-1), sum(done.episodes.mask.sum(-1) for done in course))
    assert not (trial.mask[..., 1:] & ~trial.mask[..., :-1]).any()
    assert torch.allclose(trial.returns, sum(done.episodes.returns for done in course), atol=1e-4)
    assert (begins.sum(-1) == 2).all()
    assert (trial.observation[begins] == 0).all()  # an episode begins in the middle


def test_memory_passes_from_episode_to_episode_but_not_from_trial_to_trial():
    family = Bandits(3, 6).train
    policy = policy_on(family)
    first, second = (list(policy.course(family, TASKS, When(0, 0), 1, Sampling(episodes=2))) for _ in range(2))
    assert torch.equal(first[0].episodes.policy.logits, second[0].episodes.policy.logits)
    start, later = (done.episodes.policy.logits[:, :, 0] for done in first)
    assert torch.allclose(start, start[:1, :1].expand_as(start))
    assert not torch.allclose(later[0, 0], later[1, 1])


def test_it_learns_to_learn_from_a_bandit():
    bandits = Bandits(arms=2, pulls=8)
    policy = policy_on(bandits.train, 16)
    sampling = Sampling(episodes=4, trace=0.95)
    train(policy, bandits.train, algorithm=PPO(rate=1e-2), iterations=30, tasks=50, sampling=sampling, progress=False)
    found = evaluate_policy(policy, bandits.test, 300, rounds=0, sampling=sampling)
    assert found.curve[0].low > found.still.mean() + 0.3


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    family = Navigation(horizon=4)
    given = {"algorithm": PPO(rounds=1), "tasks": 2, "sampling": Sampling(episodes=2), "progress": False}
    whole, cut = policy_on(family.train), policy_on(family.train)
    train(whole, family.train, iterations=4, run=tmp_path / "whole", **given)

    class Cut(PPO):
        def update(self, learner, optimiser, course, sampling):
            if len(Run(tmp_path / "cut").metrics()) == 2:
                raise TrainingError("cut")
            return super().update(learner, optimiser, course, sampling)

    Cut.__name__ = "PPO"
    cutting = {**given, "algorithm": Cut(rounds=1), "run": tmp_path / "cut", "checkpoint_seconds": 0}
    with pytest.raises(TrainingError, match="cut"):
        train(cut, family.train, iterations=4, **cutting)
    again = policy_on(family.train)
    train(again, family.train, iterations=4, run=tmp_path / "cut", resume=True, **given)
    assert weights(again) == weights(whole)
