"""Single tasks as gymnasium environments."""

import sys
import warnings

import numpy as np
import pytest
import torch

from helpers.simulator import Walks
from innerloop.errors import ConfigurationError, DataError
from innerloop.rl import BanditTasks, HalfCheetahVelTasks, NavigationTasks, _gymnasium, register


def test_without_gymnasium_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'innerloop\[rl\]'"):
        register()


@pytest.mark.apps
def test_every_family_is_what_gymnasium_expects():
    import gymnasium
    from gymnasium.utils.env_checker import check_env

    ids = register()
    assert register() == ids
    assert len(ids) == 6
    for name in ids:
        environment = gymnasium.make(name, split="test", task=1)
        with warnings.catch_warnings():
            # positions and velocities have no bounds, as in gymnasium's own cheetah
            warnings.filterwarnings("ignore", ".*A Box observation space (minimum|maximum) value is -?infinity")
            check_env(environment.unwrapped, skip_render_check=True)
        environment.close()


@pytest.mark.apps
def test_standing_still_pays_what_the_family_says_and_another_task_pays_differently():
    import gymnasium

    register()
    environment = gymnasium.make("innerloop/Navigation-v0", split="test", task=3, horizon=7)
    family = NavigationTasks(horizon=7, split="test")
    for task in (3, 4):
        environment.unwrapped.set_task(task)
        environment.reset(seed=0)
        total, steps, ended = 0.0, 0, False
        while not ended:
            _, reward, terminated, truncated, _ = environment.step(np.zeros(2, np.float32))
            total, steps, ended = total + reward, steps + 1, terminated or truncated
        assert steps == 7
        assert total == pytest.approx(float(family.still(torch.tensor([task]))), rel=1e-5)


@pytest.mark.apps
def test_an_arm_pays_as_often_as_its_probability_says():
    import gymnasium

    register()
    environment = gymnasium.make("innerloop/Bandit-v0", task=2, pulls=50)
    paid = []
    for seed in range(20):
        environment.reset(seed=seed)
        paid += [environment.step(1)[1] for _ in range(50)]
    assert np.mean(paid) == pytest.approx(float(BanditTasks().probabilities(torch.tensor([2]))[0, 1]), abs=0.05)


@pytest.mark.apps
def test_a_simulator_pays_for_the_speed_of_the_task():
    import gymnasium

    register()
    environment = gymnasium.make("innerloop/HalfCheetahVel-v0", task=1, horizon=5)
    seen, _ = environment.reset(seed=3)
    again, _ = environment.reset(seed=3)
    assert np.array_equal(seen, again)
    action = np.full(6, 0.5, np.float32)
    _, reward, _, truncated, info = environment.step(action)
    speed = float(HalfCheetahVelTasks().speeds(torch.tensor([1])))
    assert reward == pytest.approx(-abs(info["x_velocity"] - speed) - 0.05 * 6 * 0.25, rel=1e-5)
    assert not truncated
    environment.close()


@pytest.mark.apps
def test_steps_are_those_of_training(monkeypatch):
    monkeypatch.setitem(_gymnasium.FAMILIES, "Walks", Walks)
    environment = _gymnasium.make("Walks", task=1)
    (start,), _ = environment.reset(seed=0)
    (moved,), reward, over, cut, _ = environment.step(np.array([5.0], np.float32))
    assert moved == pytest.approx(start + 0.3)  # an action beyond the bounds has the effect of the bound
    assert reward == pytest.approx(-abs(start + 0.3 - 0.1))
    assert (over, cut) == (False, False)
    environment = _gymnasium.make("Walks", task=1, fail="nan")
    environment.reset(seed=0)
    with pytest.raises(DataError, match="gives NaN"):
        environment.step(np.zeros(1))


@pytest.mark.apps
def test_a_tensor_that_is_nan_is_refused(monkeypatch):
    environment = _gymnasium.make("Navigation", task=3)
    environment.reset(seed=0)
    step = NavigationTasks.step

    def broken(self, *arguments):
        after = step(self, *arguments)
        return after._replace(reward=after.reward * torch.nan)

    monkeypatch.setattr(NavigationTasks, "step", broken)
    with pytest.raises(DataError, match="task 3 gives NaN at step 0"):
        environment.step(np.zeros(2))


@pytest.mark.apps
@pytest.mark.parametrize("family", ["Navigation", "Walks"])
@pytest.mark.parametrize("action", [np.nan, np.inf, "left"])
def test_an_action_that_is_no_finite_number_is_refused(family, action, monkeypatch):
    monkeypatch.setitem(_gymnasium.FAMILIES, "Walks", Walks)
    environment = _gymnasium.make(family, task=3)
    environment.reset(seed=0)
    size = environment.family.action.size
    environment.step(np.full(size, 1e6))  # a draw beyond the bounds is cut to them
    with pytest.raises(DataError, match=f"An action of task 3 is {size} finite numbers .*; got .* at step 1"):
        environment.step(np.array([action] * size))
    with pytest.raises(DataError, match="finite numbers"):
        environment.step(np.zeros(size + 1))


@pytest.mark.apps
@pytest.mark.parametrize("arm", [-1, 5, 0.5, np.nan, [1]])
def test_an_arm_that_a_bandit_has_not_is_refused(arm):
    environment = _gymnasium.make("Bandit", task=2)
    environment.reset(seed=0)
    environment.step(np.int64(4))
    with pytest.raises(DataError, match=r"An action of task 2 is a whole number from 0 to 4; got .* at step 1"):
        environment.step(arm)


@pytest.mark.apps
def test_pictures_are_refused():
    import gymnasium

    register()
    with pytest.raises(ConfigurationError, match="render_mode must be None"):
        gymnasium.make("innerloop/Navigation-v0", render_mode="human")
