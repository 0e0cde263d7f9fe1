import sys

import numpy as np
import pytest

from innerloop.control import Manipulation
from innerloop.control._tasks import generator
from innerloop.errors import ConfigurationError, DataError

apps = pytest.mark.apps
NAMES = ("reach", "push", "pick-place", "door-open", "drawer-close", "button-press-topdown", "window-open")


def reached(arm, steps=300):
    """Whether the expert gets there, and what was seen on the way."""
    seen = []
    for _ in range(steps):
        observation, success = arm.step(arm.expert())
        seen.append(observation)
        if success:
            return True, np.array(seen)
    return False, np.array(seen)


def test_generators_are_named_by_words_and_numbers():
    draws = {
        generator(*name).random()
        for name in (("reach", "goal", 0), ("reach", "goal", 1), ("reach", "start", 0), ("push", "goal", 0))
    }
    assert len(draws) == 4


def test_without_metaworld_the_error_names_the_extra(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setitem(sys.modules, "metaworld", None)
    monkeypatch.setitem(sys.modules, "metaworld.env_dict", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'innerloop\[control\]'") as raised:
        Manipulation("reach")
    assert "\n" not in str(raised.value)


@apps
@pytest.mark.parametrize("name", NAMES)
def test_an_episode_is_named_by_goal_and_key_whatever_came_before(name):
    arm = Manipulation(name)
    goal, other = arm.draw_goal(0, 1), arm.draw_goal(0, 2)
    assert np.array_equal(arm.draw_goal(0, 1), goal)
    assert not np.array_equal(goal, other)
    first = arm.begin(goal, 0, 7)
    success, seen = reached(arm)
    assert success
    arm.begin(other, 0, 8)
    reached(arm, 20)
    assert np.array_equal(arm.begin(goal, 0, 7), first)
    assert np.array_equal(reached(arm)[1], seen)
    arm.close()


@apps
def test_the_global_generator_decides_nothing_and_is_left_alone():
    arm = Manipulation("push")
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    goal = arm.draw_goal(0, 1)
    first = arm.begin(goal, 0, 0)
    assert np.array_equal(np.random.get_state()[1], state)
    np.random.seed(1)
    assert np.array_equal(arm.draw_goal(0, 1), goal)
    assert np.array_equal(arm.begin(goal, 0, 0), first)


@apps
def test_episodes_of_one_goal_start_elsewhere_unless_they_shall_not():
    for vary, different in ((True, 6), (False, 1)):
        arm = Manipulation("push", vary_start=vary)
        goal = arm.draw_goal(0, 1)
        starts = {arm.begin(goal, 0, episode).tobytes() for episode in range(6)}
        assert len(starts) == different


@apps
def test_where_the_goal_is_cannot_be_seen():
    arm = Manipulation("reach")
    assert arm.hides_its_goal
    seen = set()
    for goal in ((-0.09, 0.89, 0.1), (0.09, 0.89, 0.29)):
        arm.begin(np.array(goal), 0, 3)
        assert not arm._full[-3:].any()
        for _ in range(5):
            observation, _ = arm.step(np.full(4, 0.3))
        seen.add(observation.tobytes())
    assert len(seen) == 1
    assert not Manipulation("door-open").hides_its_goal


@apps
def test_an_unknown_task_is_refused_with_what_there_is():
    with pytest.raises(ConfigurationError, match=r"no task 'reech'\. Did you mean 'reach'\?"):
        Manipulation("reech")
    with pytest.raises(ConfigurationError, match="'sweep-into' has one goal only"):
        Manipulation("sweep-into")


@apps
def test_a_goal_that_no_place_of_the_object_fits_is_refused():
    arm = Manipulation("reach")
    with pytest.raises(ConfigurationError, match="too near each other"):
        arm.begin(np.array([0.0, 0.65, 0.2]), 0, 0)


@apps
@pytest.mark.parametrize("action", [[0.0, np.nan, 0.0, 0.0], [0.0, 0.0]])
def test_an_action_is_four_finite_numbers(action):
    arm = Manipulation("reach")
    arm.begin(arm.draw_goal(0, 1), 0, 0)
    with pytest.raises(DataError, match="4 finite numbers"):
        arm.step(np.array(action))


@apps
def test_an_action_beyond_its_bounds_is_cut_to_them():
    arm, seen = Manipulation("reach"), []
    for action in ([7.0, -1.0, 1.0, -30.0], [1.0, -1.0, 1.0, -1.0]):
        arm.begin(arm.draw_goal(0, 1), 0, 0)
        seen.append(arm.step(np.array(action))[0])
    assert np.array_equal(*seen)


@apps
def test_an_unstable_simulation_is_said():
    arm = Manipulation("reach")
    arm.begin(arm.draw_goal(0, 1), 0, 0)
    arm._full[0] = np.nan
    with pytest.raises(DataError, match="'reach' has become unstable"):
        arm._seen()
