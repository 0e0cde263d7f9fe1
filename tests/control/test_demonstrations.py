import dataclasses

import numpy as np
import pytest
import torch

from innerloop.control import Plan, collect
from innerloop.control import _demonstrations as module
from innerloop.control._tasks import Manipulation
from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._cache import cache_folder

apps = pytest.mark.apps
SMALL = Plan("reach", goals=3, demonstrations=2)


def same(a, b):
    """But for what it took."""
    return all(np.array_equal(np.asarray(x), np.asarray(y)) for x, y in zip(a[:4], b[:4], strict=True))


def replayed(plan, found, goal, demo, *, episode):
    """Whether a demonstration, replayed blindly, reaches its goal from a start."""
    arm = Manipulation(plan.task, vary_start=plan.vary_start)
    arm.begin(found.goals[goal], 9, episode)
    actions = found.actions[goal, demo, : int(found.lengths[goal, demo])].double().numpy()
    return any(arm.step(action)[1] for action in actions)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"goals": 0}, "goals must be at least 1"),
        ({"demonstrations": 0}, "demonstrations must be at least 1"),
        ({"noise": -1.0}, "standard deviation from 0; got -1.0"),
        ({"limit": 499}, "at most 500 steps; got limit=499 and after=5"),
        ({"split": "tset"}, "no split 'tset'"),
        ({"goals": 2_000_000}, "at most 1,000,000 goals"),
    ],
)
def test_plans_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        Plan("reach", **wrong)


def test_goals_of_the_splits_have_numbers_of_their_own():
    numbers = [Plan("reach-v3", split).number(goal) for split in ("train", "validation", "test") for goal in (0, 5)]
    assert len({*numbers}) == 6
    assert Plan("reach-v3") == Plan("reach")


@apps
def test_one_worker_or_two_collect_the_same_and_the_splits_share_no_goal():
    one, two = (collect(SMALL, workers=workers, cache=False) for workers in (1, 2))
    assert same(one, two)
    test = collect(dataclasses.replace(SMALL, split="test"), workers=1, cache=False)
    assert not {goal.tobytes() for goal in one.goals} & {goal.tobytes() for goal in test.goals}
    assert one.goal_hash != test.goal_hash
    # more goals begin with the same ones
    fewer = collect(dataclasses.replace(SMALL, goals=2), workers=1, cache=False)
    assert np.array_equal(fewer.goals, one.goals[:2])
    length = int(fewer.lengths[1, 1])
    assert torch.equal(fewer.actions[1, 1, :length], one.actions[1, 1, :length])


@apps
def test_a_demonstration_has_clean_labels_and_ends_a_few_steps_after_success():
    found = collect(dataclasses.replace(SMALL, after=3), workers=1, cache=False)
    assert bool((found.actions.abs() <= 1).all())
    longer = collect(dataclasses.replace(SMALL, after=6), workers=1, cache=False)
    assert torch.equal(longer.lengths, found.lengths + 3)
    # the expert of reach goes straight to the goal, and the recorded action is a function of where the hand is
    hand, move = found.observations[0, 0, :5, :3].double(), found.actions[0, 0, :5, :3].double()
    straight = (10 * (torch.from_numpy(found.goals[0]) - hand)).clamp(-1, 1)
    assert float((straight.sign() == move.sign()).double().mean()) > 0.8
    assert not torch.equal(found.observations[0, 0, 0], found.observations[0, 1, 0])


@apps
def test_replaying_a_demonstration_solves_an_unmodified_task_and_not_one_with_other_starts():
    plain = dataclasses.replace(SMALL, noise=0.0, vary_start=False)
    found = collect(plain, workers=1, cache=False)
    assert same([found.observations[:, 0]], [found.observations[:, 1]])
    assert all(replayed(plain, found, goal, 0, episode=goal) for goal in range(3))
    varied = dataclasses.replace(SMALL, noise=0.0)
    found = collect(varied, workers=1, cache=False)
    assert not all(replayed(varied, found, goal, 0, episode=episode) for goal in range(3) for episode in range(4))


@apps
def test_they_are_kept_and_a_damaged_file_is_made_again(monkeypatch):
    first = collect(SMALL, workers=1)
    (path,) = (cache_folder() / "control").glob("reach-train-*.safetensors")
    whole = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module, "demonstrate", None)
        again = collect(SMALL, workers=1)
    assert same(again, first)
    assert again.spent == first.spent
    assert first.spent.cpu_seconds > 0
    path.write_bytes(whole[: len(whole) // 2])
    assert same(collect(SMALL, workers=1), first)
    assert path.stat().st_size == len(whole)


@apps
def test_everything_that_decides_them_names_the_file(monkeypatch):
    names = {module._path(SMALL)}
    for change in ({"noise": 0.1}, {"seed": 1}, {"split": "test"}, {"goals": 4}, {"vary_start": False}):
        names.add(module._path(dataclasses.replace(SMALL, **change)))
    monkeypatch.setattr(module, "versions", lambda extra: {"mujoco": "0"})
    names.add(module._path(SMALL))
    assert len(names) == 7


@apps
def test_an_expert_that_fails_too_often_is_said():
    with pytest.raises(DataError, match=r"'reach' reached the train goal 0 in 0 of 20 episodes of 3 steps.*limit"):
        collect(dataclasses.replace(SMALL, limit=3), workers=1, cache=False)
