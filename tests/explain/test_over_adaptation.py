import numpy as np
import pytest
import torch
from torch import nn

from helpers.given import Given
from helpers.problems import classification, perceptron
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import evaluate, interval, paired_difference
from innerloop.explain import OverAdaptation, over_adaptation
from innerloop.gradient import FirstOrder, GradientLearner
from innerloop.task import Examples, Task


def lines(count=8):
    """y = x for inputs of other sizes."""
    tasks = []
    for index in range(count):
        x = torch.linspace(0.5, 1.5 + index, 4, dtype=torch.float64)[:, None]
        tasks.append(Task(Examples(x, x), Examples(-x, -x), torch.tensor(index)))
    return Given(tasks)


def drifting(step, steps=1):
    """y = w x from w = 0, which an inner step moves by `step` whatever the data say."""
    network = nn.Linear(1, 1, bias=False).double()
    nn.init.zeros_(network.weight)
    return GradientLearner(
        network, optimiser=lambda g, p: {n: q + step for n, q in p.items()}, outer_gradient=FirstOrder(), steps=steps
    )


def test_the_best_step_is_found_and_what_it_costs_to_go_on():
    found = over_adaptation(drifting(0.25), lines(), 8)
    size = np.array([float(task.query.x.square().mean()) for task in lines().tasks])
    assert len(found.curve) == 11
    for k, each in enumerate(found.curve):
        assert each == pytest.approx(interval((0.25 * k - 1) ** 2 * size), abs=1e-12)
    assert (found.best, found.own) == (4, 1)
    other = size[1::2]
    assert found.change == pytest.approx(paired_difference(1.5**2 * other, 0 * other))
    assert found.sentences[0].startswith("This model over-adapts after step 4: squared error is")
    assert OverAdaptation.from_json(found.to_json()).to_json() == found.to_json()


def test_from_the_first_step_on_and_never():
    assert "over-adapts from the first step on" in over_adaptation(drifting(-0.25), lines(), 8).sentences[0]
    found = over_adaptation(drifting(0.01), lines(), 8, steps=5)
    assert len(found.curve) == 6
    assert found.best == 5
    assert found.sentences[0].startswith("No over-adaptation seen up to 5 steps")


def test_twice_the_own_steps_are_looked_at():
    assert len(over_adaptation(drifting(0.01, steps=8), lines(), 8).curve) == 17


def test_divergence_is_said():
    found = over_adaptation(drifting(1e200), lines(), 8)
    assert "diverges" in found.sentences[0]
    assert found.best == 0
    assert OverAdaptation.from_json(found.to_json()).to_json() == found.to_json()


def test_the_curve_is_that_of_the_evaluation():
    source, learner = Given(classification([(6, 9)] * 6)), methods.maml(perceptron(), inner_lr=0.3)
    found = over_adaptation(learner, source, 6)
    curve = evaluate(learner, source, 6, curve_steps=10, curve_tasks=6).curve
    assert np.array(found.curve) == pytest.approx(np.array(curve))
    assert found.metric == "accuracy"
    assert found.losses[1].mean == pytest.approx(evaluate(learner, source, 6, steps=1).losses.mean())


def test_what_cannot_be_asked():
    with pytest.raises(ConfigurationError, match="no step after which"):
        over_adaptation(methods.prototypes(perceptron(None)), lines(), 8)
    with pytest.raises(ConfigurationError, match="halves of at least 2 tasks; got 3"):
        over_adaptation(drifting(0.1), lines(), 3)
    with pytest.raises(ConfigurationError, match="steps must be at least 1; got 0"):
        over_adaptation(drifting(0.1), lines(), 8, steps=0)
