import pytest
import torch
from torch import nn

from helpers import problems, quadratic
from innerloop.errors import ConfigurationError
from innerloop.metric import SVM
from innerloop.task import Examples, take


def test_weights_are_those_of_the_reference_solver():
    learner, task = SVM(problems.perceptron(None), cost=0.3), problems.classification(((9, 6),))[0]
    with torch.no_grad():
        state = learner.adapt(task.support)
        z = learner.network(task.support.x)
        alpha = quadratic.svm(z @ z.T, torch.eye(3, dtype=z.dtype)[task.support.y], 0.3, 1.0)
        torch.testing.assert_close(state.weight, z.T @ alpha, rtol=0, atol=1e-9)
        logits = learner.predict(state, task.query.x)
        torch.testing.assert_close(logits, learner.network(task.query.x) @ state.weight)


def test_the_primal_optimum_is_as_large_as_the_dual_one():
    """Strong duality for the problem of the docstring, which has no smoothing: nearly so with very little."""
    z, cost = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), 0.3
    y = torch.arange(9) % 3
    learner = SVM(nn.Identity(), cost=cost, smoothing=1e-9).double()
    state = learner.adapt(Examples(z, y, ways=3))
    score = z @ state.weight
    margins = score.gather(1, y[:, None]) - score - (1 - torch.eye(3, dtype=torch.float64)[y])
    primal = 0.5 * state.weight.square().sum() + cost * (-margins).amax(1).sum()
    alpha = quadratic.svm(z @ z.T, torch.eye(3, dtype=torch.float64)[y], cost, 1e-9)
    dual = -0.5 * (z.T @ alpha).square().sum() + alpha.gather(1, y[:, None]).sum()
    torch.testing.assert_close(primal, dual, rtol=0, atol=1e-6)


def test_a_separable_task_is_learned_with_a_large_cost():
    task = take(problems.batch(sizes=((9, 9),)), 0)
    learner = SVM(nn.Identity(), cost=100.0, smoothing=1e-3).double()
    found = learner.predict(learner.adapt(task.support), task.support.x)
    assert torch.equal(found.argmax(1), task.support.y)


def test_errors():
    for name in ("cost", "smoothing"):
        with pytest.raises(ConfigurationError, match=f"{name}= must be a positive number; got 0"):
            SVM(nn.Identity(), **{name: 0})
