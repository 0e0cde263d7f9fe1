import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD, GradientLearner, LastStep, WeightedSteps
from innerloop.losses import squared_error
from innerloop.mapping import Mapping
from innerloop.networks import mlp
from innerloop.sources import Sinusoids


def _learner(**settings):
    torch.manual_seed(0)
    return GradientLearner(mlp(1, 1, activation="softplus"), optimiser=SGD(0.02), steps=3, **settings).double()


def _tasks():
    return Sinusoids(shots=4, queries=5).train[0:3].map(lambda t: t.double() if t.is_floating_point() else t)


def _gradient(learner):
    learner.zero_grad()
    outcome = learner(_tasks())
    outcome.loss.backward()
    return outcome.loss.item(), torch.cat([p.grad.flatten() for p in learner.parameters()])


def test_weighted_steps_are_the_weighted_sum_of_single_steps():
    weights = (0.2, 0.3, 0.5)
    loss, gradient = _gradient(_learner(outer_loss=WeightedSteps(weights)))
    parts = []
    for steps, weight in enumerate(weights, start=1):
        single = _learner()
        single.steps = steps
        parts.append((weight, *_gradient(single)))
    assert loss == pytest.approx(sum(w * value for w, value, _ in parts), abs=1e-12)
    torch.testing.assert_close(gradient, sum(w * g for w, _, g in parts), atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("mapping", [Mapping(True), Mapping(True, 2), Mapping(False)], ids=str)
def test_weighted_steps_agree_with_finite_differences(mapping):
    learner = _learner(outer_loss=WeightedSteps((0.5, 0.0, 0.5)))
    learner.mapping = mapping
    _, gradient = _gradient(learner)
    weight = next(learner.parameters())
    found = []
    for sign in (1, -1):
        with torch.no_grad():
            weight.view(-1)[3] += sign * 1e-5
        found.append(_gradient(learner)[0])
        with torch.no_grad():
            weight.view(-1)[3] -= sign * 1e-5
    assert gradient[3].item() == pytest.approx((found[0] - found[1]) / 2e-5, abs=1e-6)


def test_evaluation_takes_the_last_step():
    weighted, last = _learner(outer_loss=WeightedSteps((0.9, 0.05, 0.05))).eval(), _learner().eval()
    assert weighted(_tasks()).loss.item() == last(_tasks()).loss.item()


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, 0.0)])
def test_weights_that_do_not_fit(weights):
    with pytest.raises(ConfigurationError, match="3 inner steps"):
        _learner(outer_loss=WeightedSteps(weights))


def test_last_step_is_the_default():
    assert _gradient(_learner())[0] == _gradient(_learner(outer_loss=LastStep()))[0]


def test_inner_and_outer_loss_may_differ():
    def tenfold(prediction, examples):
        return 10 * squared_error(prediction, examples)

    ten = _learner(inner_loss=tenfold)
    faster = _learner()
    faster.optimiser = SGD(0.2)
    torch.testing.assert_close(_gradient(ten)[1], _gradient(faster)[1], atol=1e-11, rtol=1e-11)
