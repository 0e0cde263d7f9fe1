import pytest
import torch

from helpers import problems
from helpers.checks import snapshot
from helpers.learners import ALL, make, outputs
from innerloop.errors import DataError
from innerloop.sound import demand_sound
from innerloop.task import stack


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("part", ["support", "query"])
@pytest.mark.parametrize("leaf", ["x", "y"])
def test_values_that_are_not_finite_are_refused_by_task(value, part, leaf):
    tasks = stack(problems.regression())
    getattr(getattr(tasks, part), leaf)[1, 0] = value
    with pytest.raises(DataError, match=f"The {part} set of task 1 holds NaN or infinity"):
        make("maml", problems.perceptron(1))(tasks)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("part", ["support", "query"])
@pytest.mark.parametrize("method", ALL)
def test_labels_outside_the_ways_are_refused(part, label, method):
    tasks = problems.batch()
    getattr(tasks, part).y[2, 1] = label
    with pytest.raises(DataError, match=f"The {part} set has the label {label}; 3-way tasks have labels\\s+0..2"):
        make(method, problems.perceptron(outputs(method)))(tasks)


def test_refused_tasks_change_nothing():
    learner = make("maml", problems.normed(), "running")
    before, tasks = snapshot(learner), problems.batch()
    tasks.query.x[0, 0] = float("nan")
    with pytest.raises(DataError):
        learner(tasks)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(p.grad is None for p in learner.parameters())


def test_large_numbers_whose_sum_overflows_are_not_infinite():
    batch = problems.batch()
    large = batch.map(lambda leaf: torch.full_like(leaf, 1e308) if leaf.is_floating_point() else leaf)
    demand_sound(large)
    with pytest.raises(DataError, match="holds NaN or infinity"):
        demand_sound(large.map(lambda leaf: leaf * 10 if leaf.is_floating_point() else leaf))
