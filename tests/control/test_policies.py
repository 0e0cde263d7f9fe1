import pytest
import torch

from helpers import demonstrated
from innerloop.control import NearestStep, Replay, last_state
from innerloop.task import pad, take


@pytest.fixture
def task():
    return take(demonstrated.tasks(shots=2)[0:3], 0)


ROWS = demonstrated.tasks().rows


def test_replay_does_what_the_first_demonstration_did_at_that_time(task):
    learner = Replay()
    state = learner.adapt(task.support)
    long = int(task.support.mask[:ROWS].sum())
    x = torch.zeros(1, 7)
    for step in range(long):
        assert torch.equal(learner.at(state, x, step)[0], task.support.y[step])
    assert torch.equal(learner.at(state, x, long + 50)[0], task.support.y[long - 1])
    again = learner.predict(state, task.support.x, task.support.mask)
    assert torch.equal(again[:long], task.support.y[:long])
    second = min(long, int(task.support.mask[ROWS:].sum()))
    assert torch.equal(again[ROWS : ROWS + second], task.support.y[:second])


def test_the_nearest_step_is_found_among_the_real_rows_alone(task):
    learner = NearestStep()
    state = learner.adapt(task.support)
    real = task.support.mask
    assert torch.equal(learner.predict(state, task.support.x)[real], task.support.y[real])
    # a padded row is all zeros, and nearest to zero if it counted
    found = learner.predict(state, torch.zeros(1, 7))
    away = task.support.x[real].square().sum(1)
    assert torch.equal(found[0], task.support.y[real][away.argmin()])


def test_more_demonstrations_are_appended(task):
    first, second = (task.support.map(lambda leaf, part=part: leaf.split(ROWS)[part]) for part in (0, 1))
    for learner in (NearestStep(), last_state()):
        whole, parts = learner.adapt(task.support), learner.adapt(second, learner.adapt(first))
        for a, b in zip(whole, parts, strict=True):
            torch.testing.assert_close(a, b)


def test_the_context_is_the_mean_of_the_last_real_observations(task):
    state = last_state().adapt(task.support)
    x, mask = task.support.x.view(2, ROWS, 7), task.support.mask.view(2, ROWS)
    ends = torch.stack([demo[seen][-1] for demo, seen in zip(x, mask, strict=True)])
    torch.testing.assert_close(state.total / state.shown, ends.mean(0))


def test_what_stands_in_padded_rows_changes_nothing(task):
    noisy = task.support.map(lambda leaf: leaf)
    noisy.x[~noisy.mask] = 7.0
    noisy.y[~noisy.mask] = 7.0
    for learner in (NearestStep(), Replay(), last_state()):
        before, after = (learner.predict(learner.adapt(part), task.query.x) for part in (task.support, noisy))
        assert torch.equal(before, after)


@pytest.mark.parametrize("make", [NearestStep, Replay, last_state])
def test_tasks_can_be_mapped(make):
    learner, tasks = make(), demonstrated.tasks(shots=2)[0:3]
    together = learner.map(lambda task: learner.predict(learner.adapt(task.support), task.query.x), tasks)
    for number, found in enumerate(together):
        task = take(tasks, number)
        torch.testing.assert_close(found, learner.predict(learner.adapt(task.support), task.query.x))


def test_padding_behind_the_last_demonstration_changes_nothing(task):
    longer = pad(task.support, len(task.support) + 5)
    for learner in (NearestStep(), Replay(), last_state()):
        before, after = (learner.predict(learner.adapt(part), task.query.x) for part in (task.support, longer))
        assert torch.equal(before, after)
