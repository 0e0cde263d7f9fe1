import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.evaluation import evaluate
from innerloop.mapping import Mapping
from innerloop.task import Examples, pad, stack, take
from innerloop.transfer import LinearProbe


def probe(**settings):
    torch.manual_seed(0)
    return methods.linear_probe(problems.normed(9), **settings)


@pytest.mark.parametrize("normalise", [True, False])
def test_it_is_the_minimum_on_the_frozen_features(normalise):
    learner, task = probe(penalty=0.3, normalise=normalise), take(problems.batch(), 0)
    state = learner.adapt(task.support)
    z = learner.network.features.eval()(task.support.x).detach()
    z = F.normalize(z, dim=1) if normalise else z
    weight, bias = state.weight.clone().requires_grad_(), state.bias.clone().requires_grad_()
    loss = F.cross_entropy(z @ weight.T + bias, task.support.y, reduction="sum") + 0.15 * weight.square().sum()
    assert all(slope.abs().max() < 1e-6 for slope in torch.autograd.grad(loss, [weight, bias]))
    q = learner.network.features(task.query.x)
    q = F.normalize(q, dim=1) if normalise else q
    torch.testing.assert_close(learner.predict(state, task.query.x), (q @ weight.T + bias).detach())


def test_nothing_of_the_callers_network_is_touched():
    network = problems.normed(9)
    before = snapshot(network)
    learner = methods.linear_probe(network)
    learner.predict(learner.adapt(take(problems.batch(), 0).support), torch.randn(3, 4, dtype=torch.float64))
    assert all(torch.equal(value, before[name]) for name, value in snapshot(network).items())
    assert all(p.requires_grad for p in network.parameters())
    assert not any(p.requires_grad for p in learner.parameters())


def test_adding_examples_is_reading_all_of_them():
    learner, support = probe(), problems.classification(((9, 6),))[0].support
    whole = learner.adapt(support)
    first, second = (support.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(0, 4), slice(4, None)))
    state = learner.adapt(second, learner.adapt(first))
    torch.testing.assert_close(state.weight, whole.weight)
    torch.testing.assert_close(state.bias, whole.bias)


def test_a_new_class_may_come_later():
    learner, support = probe(), problems.classification(((9, 6),))[0].support
    old = support.y < 2
    first = Examples(support.x[old], support.y[old], ways=2)
    second = Examples(support.x[~old], support.y[~old], ways=3)
    state = learner.adapt(second, learner.adapt(first))
    order = torch.cat([old.nonzero(), (~old).nonzero()]).flatten()
    whole = learner.adapt(support.map(lambda leaf: leaf[order]))
    torch.testing.assert_close(state.weight, whole.weight)
    with pytest.raises(DataError, match="The state has 3 classes; got a support set that names 2"):
        learner.adapt(first, state)


@pytest.mark.parametrize("mapping", [Mapping(vectorise=False), Mapping(vectorise=True)], ids=str)
def test_padded_tasks(mapping):
    learner = probe()
    learner.mapping = mapping
    tasks = problems.classification()
    padded = [type(t)(pad(t.support, 9), pad(t.query, 8), t.index) for t in tasks]
    for i, task in enumerate(padded):
        task.support.x[6:] = float("nan") if i == 0 else 1e30
    plain = learner.map(lambda t: learner.predict(learner.adapt(t.support), t.query.x), stack(tasks))
    found = learner.map(lambda t: learner.predict(learner.adapt(t.support), t.query.x), stack(padded))
    torch.testing.assert_close(found[:, :6], plain, atol=1e-7, rtol=0)


def test_it_is_a_row_of_a_table():
    class Source:
        def batch(self, indices):
            return stack(problems.classification()).map(lambda leaf: leaf[indices])

        def describe(self):
            return {"name": "leaning", "split": "test"}

    learner = probe()
    found = evaluate(learner, Source(), 3)
    for value, task in zip(found.values, problems.classification(), strict=True):
        guess = learner.predict(learner.adapt(task.support), task.query.x).argmax(1)
        assert value == pytest.approx((guess == task.query.y).double().mean().item())
    assert (found.norm, found.steps) == ("running", None)


def test_errors():
    with pytest.raises(ConfigurationError, match="penalty= must be a positive number; got 0"):
        LinearProbe(nn.Identity(), penalty=0)
    with pytest.raises(DataError, match="Logistic regression needs classes"):
        probe().adapt(problems.regression()[0].support)
