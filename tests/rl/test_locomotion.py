"""MuJoCo tasks: targets that differ, rewards that follow them, and the same numbers from two workers."""

import sys

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.rl import (
    AntDirTasks,
    GaussianPolicy,
    HalfCheetahDirTasks,
    HalfCheetahVel,
    HalfCheetahVelTasks,
    Policies,
    ProMP,
    Sampling,
    collect,
    episode_keys,
    maml_policy,
    train,
)
from innerloop.workers import close_workers

TASKS = torch.arange(2)


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left():
    yield
    close_workers()


def policies_on(family):
    torch.manual_seed(0)
    return Policies(maml_policy(GaussianPolicy(family.observation, family.action.size, (8,), std=0.5)))


def episodes_on(family, episodes=2):
    return collect(policies_on(family), family, TASKS, episode_keys(0, 0, 0, TASKS, episodes))


def test_the_splits_have_no_speed_in_common():
    family = HalfCheetahVel()
    found = [set(split.speeds(torch.arange(500)).tolist()) for split in (family.train, family.validation, family.test)]
    assert min(map(len, found)) > 495
    assert not (found[0] & found[1] | found[0] & found[2] | found[1] & found[2])
    assert all(0 <= speed < 2 for each in found for speed in each)


def test_without_the_simulator_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'innerloop\[rl\]'"):
        HalfCheetahVelTasks().make(0)


def test_a_horizon_that_cannot_be_is_refused():
    with pytest.raises(ConfigurationError, match="horizon=0"):
        HalfCheetahVelTasks(horizon=0)


@pytest.mark.apps
@pytest.mark.parametrize("kind", [HalfCheetahVelTasks, HalfCheetahDirTasks, AntDirTasks])
def test_observations_fit_and_two_workers_give_the_numbers_of_one(kind):
    one, two = episodes_on(kind(horizon=20)), episodes_on(kind(horizon=20, workers=2))
    assert one.observation.shape == (2, 2, 20, one.observation.shape[-1])
    assert one.observation.shape[-1] == kind().observation
    assert torch.equal(one.reward, two.reward)
    assert torch.equal(one.observation, two.observation)
    assert not torch.equal(one.observation[0, 0, 0], one.observation[0, 1, 0])  # a start of its own


@pytest.mark.apps
def test_an_episode_does_not_know_what_ran_before():
    family = HalfCheetahVelTasks(horizon=20)
    late = collect(policies_on(family), family, TASKS[1:], episode_keys(0, 0, 0, TASKS[1:], 2))
    assert torch.equal(episodes_on(family).reward[1:], late.reward)


@pytest.mark.apps
def test_the_two_directions_pay_for_opposite_speeds():
    found = collect(
        policies_on(HalfCheetahDirTasks()), HalfCheetahDirTasks(horizon=30), TASKS, episode_keys(0, 0, 0, TASKS * 0, 1)
    )
    # the same keys, so the same episode but for the reward
    assert torch.equal(found.observation[0], found.observation[1])
    cost = 0.05 * found.action.clamp(-1, 1).square().sum(-1)
    assert torch.allclose(found.reward[0] + cost[0], -(found.reward[1] + cost[1]), atol=1e-5)


@pytest.mark.apps
def test_standing_still_pays_the_distance_to_the_speed():
    family = HalfCheetahVelTasks(horizon=50)
    speeds = family.speeds(TASKS)
    assert torch.allclose(family.still(TASKS), -50 * speeds, atol=10)


@pytest.mark.apps
def test_training_takes_a_step(tmp_path):
    family = HalfCheetahVelTasks(horizon=10)
    learner = policies_on(family).learner
    train(
        learner,
        family,
        algorithm=ProMP(),
        iterations=1,
        tasks=2,
        sampling=Sampling(episodes=2),
        run=tmp_path,
        progress=False,
    )
    assert (tmp_path / "last.safetensors").exists()
    assert '"mujoco"' in (tmp_path / "config.json").read_text()
