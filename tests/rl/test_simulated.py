"""Episodes in worker processes: the same numbers from any number of workers, and failures that say where."""

from itertools import count

import pytest
import torch

from helpers.simulator import Walks
from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.rl import (
    RL2,
    GaussianPolicy,
    Policies,
    ProMP,
    Sampling,
    When,
    advantages,
    collect,
    episode_keys,
    evaluate_policy,
    log_prob,
    maml_policy,
    train,
)
from innerloop.workers import close_workers

TASKS = torch.arange(3)


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left():
    yield
    close_workers()


def learner_of():
    torch.manual_seed(4)
    return maml_policy(GaussianPolicy(1, 1, (8,), std=0.3), inner_lr=0.1)


def course_of(family):
    return list(learner_of().course(family, TASKS, When(0, 0), 1, Sampling(episodes=4)))


def test_one_worker_and_two_give_the_same_numbers():
    for one, two in zip(course_of(Walks()), course_of(Walks(workers=2)), strict=True):
        for name in ("observation", "action", "reward", "log_prob", "mask"):
            assert torch.equal(getattr(one.episodes, name), getattr(two.episodes, name))


@pytest.mark.parametrize("settings", [{}, {"workers": 2}, {"side_by_side": 3}])
def test_success_is_what_the_environment_said_at_any_step(settings):
    course = course_of(Walks(goal=0.4, **settings))
    for found in (done.episodes for done in course):
        after = found.observation[..., 0] + found.action[..., 0].clamp(-0.3, 0.3)
        assert torch.equal(found.success, ((after > 0.4) & found.mask).any(-1))
    rates = [found.episodes.success.double().mean() for found in course]
    assert 0 < rates[0] < 1
    assert course_of(Walks(**settings))[0].episodes.success is None


def test_episodes_are_those_of_the_policy_and_end_where_they_end():
    first, second = course_of(Walks(horizon=20))
    found = first.episodes
    assert not found.mask.all()
    assert found.observation[..., 0][found.mask].max() <= 1
    assert len(set(found.observation[:, :, 0, 0].flatten().tolist())) == 12  # every episode has its own start
    learner = learner_of()
    again = log_prob(learner.network(found.observation), found.action)
    assert torch.allclose(again[found.mask], found.log_prob[found.mask], atol=1e-5)
    adapted = Policies(learner).adapted(first.examples)
    again = log_prob(adapted(second.episodes.observation.flatten(1, 2)), second.episodes.action.flatten(1, 2))
    at = second.episodes.mask.flatten(1, 2)
    assert torch.allclose(again[at], second.episodes.log_prob.flatten(1, 2)[at], atol=1e-4)
    assert advantages(found)[~found.mask].abs().max() == 0


def test_an_action_beyond_the_bounds_has_the_effect_of_the_bound():
    found = collect(Policies(learner_of()), Walks(), TASKS, episode_keys(0, 0, 0, TASKS, 8))
    moved = found.observation[:, :, 1:, 0] - found.observation[:, :, :-1, 0]
    both = found.mask[:, :, 1:]
    assert torch.allclose(moved[both], found.action[:, :, :-1, 0].clamp(-0.3, 0.3)[both], atol=1e-5)
    assert (found.action.abs() > 0.3).any()


def test_training_and_evaluation_run_on_a_simulator():
    family = Walks()
    learner = learner_of()
    sampling = Sampling(episodes=2)
    small = {"tasks": 2, "sampling": sampling, "validation": Walks(split="test"), "validation_tasks": 2}
    fit = train(learner, family, algorithm=ProMP(steps=1), iterations=2, progress=False, **small)
    assert 0 < fit.environment_steps <= 2 * 2 * 2 * 2 * 6
    found = evaluate_policy(learner, Walks(split="test"), 2, sampling=sampling)
    assert found.oracle is None
    assert found.still.shape == (2,)
    assert found.still[1] != found.still[0]


@pytest.mark.parametrize("size", [2, 3, 4, 9])
def test_episodes_side_by_side_are_those_of_one_after_the_other(size):
    one_by_one, together = course_of(Walks(horizon=20)), course_of(Walks(horizon=20, side_by_side=size))
    for one, two in zip(one_by_one, together, strict=True):
        assert torch.equal(one.episodes.mask, two.episodes.mask)
        assert not one.episodes.mask.all()
        # a product of matrices rounds as its sizes have it
        for name in ("observation", "action", "reward", "log_prob"):
            assert torch.allclose(getattr(one.episodes, name), getattr(two.episodes, name), atol=1e-5)


def test_an_episode_that_fails_beside_others_is_named(monkeypatch):
    monkeypatch.setattr("helpers.simulator.begun", count())
    with pytest.raises(DataError, match="task 2, episode 3, failed at step 1: RuntimeError: the belt is off"):
        course_of(Walks(side_by_side=4, fail="later"))


def test_an_environment_that_raises_stops_with_task_and_episode():
    with pytest.raises(DataError, match="task 2, episode 0, failed: RuntimeError: the motor is hot"):
        course_of(Walks(fail="raise"))


def test_an_environment_that_gives_nan_stops_with_task_and_episode():
    with pytest.raises(DataError, match="Task 1, episode 0 at step 0: the environment gives NaN or infinity"):
        course_of(Walks(fail="nan"))


def test_a_policy_that_gives_nan_stops_with_task_and_episode():
    learner = learner_of()
    with torch.no_grad():
        learner.network.log_std.fill_(float("nan"))
    with pytest.raises(TrainingError, match="Task 0, episode 0 at step 0: the policy gives NaN"):
        collect(Policies(learner), Walks(), TASKS, episode_keys(0, 0, 0, TASKS, 1))


def test_a_killed_worker_is_replaced_and_the_numbers_stay(tmp_path):
    with pytest.warns(UserWarning, match="A worker process was killed"):
        cut = course_of(Walks(workers=2, fail=f"die {tmp_path / 'died'}"))
    whole = course_of(Walks())
    assert all(torch.equal(a.episodes.reward, b.episodes.reward) for a, b in zip(cut, whole, strict=True))


def test_a_policy_with_a_memory_is_refused():
    with pytest.raises(ConfigurationError, match="without a memory"):
        list(RL2(1, Walks.action).course(Walks(), TASKS, When(0, 0), 0, Sampling()))
