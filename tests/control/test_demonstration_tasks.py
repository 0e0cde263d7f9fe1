import pytest
import torch

import innerloop as il
from helpers import demonstrated
from innerloop.control import last_state
from innerloop.errors import ConfigurationError
from innerloop.networks import bias_mlp, mlp


def test_every_goal_comes_once_in_each_round():
    source = demonstrated.tasks(goals=6)
    rounds = [source.goal_of(torch.arange(6 * n, 6 * n + 6)).tolist() for n in range(4)]
    assert all(sorted(each) == list(range(6)) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_a_task_is_the_same_in_any_batch_and_its_rows_are_those_of_its_goal():
    source = demonstrated.tasks(shots=2)
    batch, one = source[0:8], source[5]
    assert torch.equal(batch.support.x[5], one.support.x)
    goal = source.goal_of(torch.tensor([5]))[0]
    own = {row.numpy().tobytes() for row in source.data.actions[goal].flatten(0, 1)}
    assert all(row.numpy().tobytes() in own for row in torch.cat([one.support.y, one.query.y]))


def test_support_and_query_are_different_demonstrations():
    source = demonstrated.tasks(shots=2, queries=2)
    for number in range(12):
        task = source[number]
        shown = {row.numpy().tobytes() for row in task.support.x[task.support.mask]}
        assert not any(row.numpy().tobytes() in shown for row in task.query.x[task.query.mask])


def test_a_demonstration_takes_a_row_more_than_the_longest_and_its_end_is_masked_and_zero():
    source = demonstrated.tasks(shots=3)
    task = source[0]
    assert source.rows == int(source.data.lengths.max()) + 1
    assert task.support.x.shape == (3 * source.rows, 7)
    assert task.support.y.shape == (3 * source.rows, 4)
    per_demo = task.support.mask.view(3, source.rows)
    assert torch.equal(per_demo, per_demo.sort(dim=1, descending=True).values)
    assert not task.support.x[~task.support.mask].any()
    assert not per_demo[:, -1].any()


def test_observations_are_normalised():
    source = demonstrated.tasks()
    seen = torch.arange(source.rows - 1) < source.data.lengths[..., None]
    table = source.flat(size=16).data
    assert torch.equal(table.x, source.data.observations[seen] / 2)
    assert torch.equal(table.y, source.data.actions[seen])
    assert source.flat(size=16)[0:2].query.x.shape == (2, 16, 7)


def test_fewer_goals_are_nested():
    source = demonstrated.tasks()
    few, more = (source.with_(tasks=number) for number in (2, 4))
    assert {*few.numbers} < {*more.numbers}
    assert few.supply().number == 2
    assert few.supply().labels == int(few.data.lengths.sum()) < source.supply().labels
    assert few.with_(tasks=2).numbers == few.numbers
    with pytest.raises(ConfigurationError, match="has 6 goals; expected a number from 1 to 6, got 7"):
        source.with_(tasks=7)


def test_it_says_what_it_is():
    said = demonstrated.tasks(shots=2).describe()
    assert (said["name"], said["shots"], said["distinct"], said["noise"]) == ("reach", 2, 6, 0.3)
    assert said["goals"] != demonstrated.tasks(goals=5).describe()["goals"]


def test_too_few_demonstrations_are_refused():
    with pytest.raises(ConfigurationError, match=r"need 5 demonstrations of each goal.*has 4.*demonstrations=5"):
        demonstrated.tasks(shots=4)
    with pytest.raises(ConfigurationError, match="shots must be at least 1"):
        demonstrated.tasks(shots=0)


LEARNERS = {
    "maml": lambda: il.methods.maml(bias_mlp(7, 4, [8], 2), inner_lr=0.1),
    "joint": lambda: il.methods.joint(mlp(7, 4, [8])),
    "ridge": lambda: il.methods.ridge(mlp(7, None, [8])),
    "cnp": lambda: il.methods.cnp(mlp(7, None, []), outputs=4, width=8),
    "in_context": lambda: il.methods.in_context(mlp(7, None, []), outputs=4, width=8, layers=1, heads=1, hidden=8),
    "last_state": lambda: last_state((8,)),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_the_learners_of_the_library_train_on_it(name):
    source = demonstrated.tasks()
    learner = LEARNERS[name]()
    before = il.evaluate(learner, source, 6)
    il.fit(learner, source, steps=30, tasks_per_step=6, progress=False, mapping="vmap")
    assert il.evaluate(learner, source, 6).losses.mean() < before.losses.mean()


def test_learners_that_need_no_training_adapt_to_it():
    source = demonstrated.tasks(shots=2)
    pretrained = mlp(7, 4, [8])
    for learner in (il.methods.raw_ridge(), il.methods.fine_tune(pretrained), il.methods.from_scratch(pretrained)):
        assert il.evaluate(learner, source, 6).mean < il.evaluate(il.methods.joint(pretrained), source, 6).mean
