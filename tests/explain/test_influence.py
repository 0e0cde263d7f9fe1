import numpy as np
import pytest
import torch
from torch import nn

from helpers import training
from helpers.given import Given, weights
from helpers.problems import classification, normed, perceptron, regression
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import interval
from innerloop.evaluation._evaluate import evaluating
from innerloop.explain import Influence, influence, planted_label
from innerloop.mapping import Mapping
from innerloop.metric import Prototypes
from innerloop.networks import Backbone
from innerloop.outer import fit
from innerloop.sources import from_arrays
from innerloop.task import Examples, stack

LEARNERS = {
    "maml": lambda: methods.maml(perceptron(), inner_steps=2, inner_lr=0.3),
    "maml with norms": lambda: methods.maml(normed(), inner_steps=2, inner_lr=0.3, norm="support"),
    "transductive": lambda: methods.maml(normed(), inner_lr=0.3, norm="batch"),
    "prototypes": lambda: methods.prototypes(normed(None), norm="batch"),
    "constant": methods.constant,
}


def dropped(learner, task, row):
    """The query loss of a support set that really lacks a row, and the loss of that row."""
    keep = [i for i in range(len(task.support)) if i != row]
    support = Examples(task.support.x[keep], task.support.y[keep], ways=task.ways)
    with evaluating(learner), torch.no_grad():
        state = learner.adapt(support)
        loss = float(learner.query_loss(learner.predict(state, task.query.x), task.query))
        if row is None:
            return loss, float("nan")
        own = learner.predict(state, task.support.x)[row : row + 1]
        alone = Examples(task.support.x[row : row + 1], task.support.y[row : row + 1], ways=task.ways)
        return loss, float(learner.query_loss(own, alone))


def _standard(values):
    return (np.array(values) - np.mean(values)) / np.std(values)


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("name", LEARNERS)
def test_leaving_out_is_dropping_the_row(name, vectorise):
    tasks = classification([(6, 5)] * 3)
    learner = LEARNERS[name]()
    learner.mapping = Mapping(vectorise)
    before = weights(learner)
    found = influence(learner, Given(tasks), 3, batch=4)
    tolerance = 1e-5 if name == "constant" else 1e-9  # the trivial predictor computes in single precision
    for number, (task, seen) in enumerate(zip(tasks, found.examples, strict=True)):
        whole, _ = dropped(learner, task, None)
        losses, own = zip(*(dropped(learner, task, row) for row in range(6)), strict=True)
        expected = [loss - whole for loss in losses]
        assert seen.index == number
        assert seen.loss == pytest.approx(whole, abs=tolerance)
        assert seen.changes == pytest.approx(expected, abs=tolerance)
        assert seen.held_out == pytest.approx(own, abs=tolerance)
        if name != "constant":
            assert seen.most_harmful == int(np.argmin(expected))
            against = _standard(own) - _standard(expected)
            assert seen.suspicion == pytest.approx(against, abs=1e-6)
            assert seen.most_suspect == int(np.argmax(against))
    assert weights(learner) == before


def test_regression_and_the_summary():
    tasks = regression([(5, 7)] * 4)
    learner = methods.maml(perceptron(1), inner_steps=2, inner_lr=0.1)
    found = influence(learner, Given(tasks), 4)
    each = np.array([[dropped(learner, task, row) for row in range(5)] for task in tasks])  # (T, N, 2)
    changes = each[..., 0] - np.array([[dropped(learner, task, None)[0]] for task in tasks])
    assert np.allclose([task.changes for task in found.examples], changes)
    assert found.harmful == pytest.approx(interval((changes < 0).mean(1)))
    assert found.size == pytest.approx(interval(np.abs(changes).mean(1)))
    assert found.worst == pytest.approx(interval(changes.min(1)))
    assert found.held_out == pytest.approx(interval(each[..., 1].mean(1)))
    assert "of the examples harm" in found.sentences[0]
    assert Influence.from_json(found.to_json()).to_json() == found.to_json()


@pytest.mark.parametrize("name", ["maml", "prototypes"])
def test_padding_has_no_influence(name):
    tasks = classification([(6, 5), (4, 5), (5, 5)])
    learner = LEARNERS[name]()
    found = influence(learner, Given(tasks), 3)
    for task, seen in zip(tasks, found.examples, strict=True):
        alone, count = influence(learner, Given([task, task]), 2).examples[0], len(task.support)
        assert np.isnan(seen.changes[count:]).all()
        assert np.isnan(seen.held_out[count:]).all()
        assert seen.changes[:count] == pytest.approx(alone.changes)
        assert seen.held_out[:count] == pytest.approx(alone.held_out)


def test_where_nothing_matters():
    learner = methods.joint(perceptron())
    found = influence(learner, Given(classification()), 3)
    assert found.sentences == ["No support example matters: leaving any of them out changes nothing."]


class _Means(Prototypes):
    """Prototypes that divide by the number of a class's examples, whatever it is."""

    def compare(self, state, z):
        return -torch.cdist(z, state.sums / state.counts[:, None])


def test_a_learner_that_cannot_do_without_an_example_is_named():
    one_shot = Given(classification([(3, 5)] * 3))
    with pytest.raises(ConfigurationError, match="_Means is no finite number where a support example is left out"):
        influence(_Means(perceptron(None)), one_shot, 3)
    assert np.isfinite(influence(methods.prototypes(perceptron(None)), one_shot, 3).size.mean)


def test_a_network_that_cannot_see_the_mask_is_named():
    body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, track_running_stats=False))
    learner = methods.maml(Backbone(body, nn.Linear(5, 3), 5).double(), norm="batch")
    with pytest.raises(ConfigurationError, match="cannot see the mask"):
        influence(learner, Given(classification()), 3)


@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_a_planted_wrong_label_ranks_first(method):
    torch.manual_seed(0)
    y = torch.arange(60 * 12) % 60
    x = 4 * torch.randn(60, 8)[y] + torch.randn(len(y), 8)
    source = from_arrays(x, y, ways=3, shots=5, queries=5)
    if method == "maml":
        learner = methods.maml(training.network(3), inner_steps=3, inner_lr=0.3)
    else:
        learner = methods.prototypes(training.network(None), norm="running")
    fit(learner, source.train, steps=60, tasks_per_step=4, mapping="vmap", progress=False)
    found = planted_label(learner, source.test, 60)
    assert found.first.mean >= 0.9
    assert found.examples == 15
    assert len(found.ranks) == 60
    # one example in fifteen would be found by guessing
    assert min(found.most_harmful.mean, found.most_contradicted.mean) > 0.5
    assert "is the most suspect one in" in found.sentences[0]


def test_a_planted_label_needs_classes():
    with pytest.raises(ConfigurationError, match="needs classes"):
        planted_label(methods.maml(perceptron(1)), Given(regression()), 3)


def test_stacked_tasks_keep_their_own_numbers():
    tasks = stack(classification())
    assert tasks.index.tolist() == [0, 1, 2]
    found = influence(methods.maml(perceptron()), Given(classification()), 2, first=1)
    assert [task.index for task in found.examples] == [1, 2]
