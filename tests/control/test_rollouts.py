import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from helpers import demonstrated
from innerloop import methods
from innerloop.control import Demonstrations, NearestStep, Replay, last_state, rollouts
from innerloop.control._rollouts import act
from innerloop.errors import ConfigurationError, DataError, InnerloopError
from innerloop.networks import bias_mlp, mlp

apps = pytest.mark.apps
FEW = {"goals": (2, 1, 3), "demonstrations": 2, "workers": 1}


def a_learner():
    torch.manual_seed(0)
    return methods.maml(bias_mlp(7, 4, [8], 2), inner_lr=0.1).eval()


def test_a_prediction_that_is_no_action_is_refused():
    learner = methods.joint(mlp(7, 3))
    with pytest.raises(DataError, match=r"shape \(1, 3\) for one observation; an action is \(1, 4\)"):
        act(learner, learner.adapt(demonstrated.tasks()[0].support), torch.zeros(1, 7), 0)


def test_a_gaussian_acts_by_its_mean_and_replay_by_the_time():
    source = demonstrated.tasks()
    support = source[0].support
    learner = methods.cnp(mlp(7, None, []), outputs=4, width=8).eval()
    state = learner.adapt(support)
    x = torch.ones(1, 7)
    np.testing.assert_array_equal(act(learner, state, x, 0), learner.predict(state, x).mean[0].detach().double())
    replay = Replay()
    np.testing.assert_array_equal(act(replay, replay.adapt(support), x, 2), support.y[2].double())


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 501}, {"episodes": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="1 to 500 steps"):
        rollouts(NearestStep(), demonstrated.tasks(), [0], **wrong)


def test_a_learner_that_cannot_be_sent_is_refused():
    class Local(nn.Module):
        pass

    with pytest.raises(ConfigurationError, match=r"cannot be sent to a worker process.*at the top of a module"):
        rollouts(methods.maml(nn.Sequential(nn.Linear(7, 4), Local())), demonstrated.tasks(), [0])


@apps
def test_one_worker_or_two_see_the_same_and_a_goal_does_not_depend_on_the_others():
    source = Demonstrations("reach", **FEW).test
    for learner in (a_learner(), NearestStep(), last_state().eval()):
        one = rollouts(learner, source, range(3), limit=60, workers=1)
        assert one.shape == (3, 1, 2)
        assert np.array_equal(rollouts(learner, source, range(3), limit=60, workers=2), one)
        assert np.array_equal(rollouts(learner, source, [2], limit=60, workers=1)[0], one[2])


@apps
def test_a_replayed_demonstration_solves_what_meta_world_gives():
    plain = Demonstrations("push", **FEW, vary_start=False, noise=0.0).test
    assert rollouts(Replay(), plain, range(3), episodes=1, workers=1).all()


@apps
def test_states_after_each_inner_step_are_rolled_out():
    source = Demonstrations("reach", **FEW).test
    learner = a_learner()
    curve = rollouts(learner, source, [0, 1], curve_steps=2, episodes=1, limit=30, workers=1)
    assert curve.shape == (2, 3, 1)
    assert np.array_equal(curve[:, 1], rollouts(learner, source, [0, 1], episodes=1, limit=30, workers=1)[:, 0])


@apps
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_not_a_number_stops_and_names_the_episode(workers):
    source = Demonstrations("reach", **FEW).test
    number = source.numbers[int(source.goal_of(torch.tensor([0]))[0])]
    network = nn.Linear(7, 4)
    nn.init.constant_(network.weight, float("nan"))
    with pytest.raises(DataError, match=rf"in 'reach', test goal {number}, episode 0, step 0: An action is 4 finite"):
        rollouts(methods.joint(network).eval(), source, [0, 1], workers=workers)


@apps
def test_an_error_of_the_simulator_names_the_episode(monkeypatch):
    source = Demonstrations("reach", **FEW).test

    def broken(self, action):
        raise ValueError("mj_step")

    monkeypatch.setattr("innerloop.control._tasks.Manipulation.step", broken)
    with pytest.raises(InnerloopError, match=r"in 'reach', test goal \d, episode 0, step 0: mj_step"):
        rollouts(a_learner(), source, [0], workers=1)


@apps
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_is_one_line_that_names_the_episode(workers):
    source = Demonstrations("reach", **FEW).test
    impossible = np.array([[0.0, 0.65, 0.2]] * 3)  # where objects lie: none fits beside it
    spoilt = dataclasses.replace(source, data=source.data._replace(goals=impossible))
    with pytest.raises(ConfigurationError, match=r"in 'reach', test goal \d, episode 0, step 0: In 1,000") as raised:
        rollouts(NearestStep(), spoilt, [0, 1], workers=workers)
    assert "\n" not in str(raised.value)


@apps
def test_the_splits_have_other_goals_and_one_normalisation():
    found = Demonstrations("reach", **FEW)
    goals = [{goal.tobytes() for goal in split.goals} for split in (found.train, found.validation, found.test)]
    assert [len(each) for each in goals] == [2, 1, 3]
    assert len(set.union(*goals)) == 6
    assert found.test.normalisation == found.train.normalisation == found.normalisation
    seen = torch.arange(found.train.rows - 1) < found.train.data.lengths[..., None]
    x = found.normalisation(found.train.data.observations[seen])
    torch.testing.assert_close(x.mean(0), torch.zeros(7), atol=1e-4, rtol=0)
    assert dataclasses.asdict(found.test.plan)["split"] == "test"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"demonstrations": (4, 4)}, "a number for each of train, validation, test"),
        (
            {"shots": 4},
            "4 shots and 1 queries need 5 demonstrations of each goal; the train split",
        ),
        ({"goals": (0, 1, 1)}, "goals must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_simulated(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        Demonstrations("reach", **wrong)
