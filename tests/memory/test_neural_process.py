import pytest
import torch

from helpers import memory
from innerloop import methods
from innerloop.losses import Gaussian
from innerloop.networks import mlp
from innerloop.task import Examples, take


def perceptron(layers, x):
    """Linear layers and rectifiers by hand."""
    linear = [layer for layer in layers if hasattr(layer, "weight")]
    for layer in linear[:-1]:
        x = (layer.weight @ x + layer.bias).clamp(min=0)
    return linear[-1].weight @ x + linear[-1].bias


def test_numbers_by_hand():
    learner, tasks = memory.make("cnp", "numbers"), memory.batch("numbers")
    found = learner(tasks).prediction
    for i in range(3):
        task = take(tasks, i)
        z, queries = learner.network(task.support.x), learner.network(task.query.x)
        encoded = [perceptron(learner.encoder, torch.cat([a, b])) for a, b in zip(z, task.support.y, strict=True)]
        mean = sum(encoded) / len(encoded)
        for j, query in enumerate(queries):
            m, s = perceptron(learner.decoder, torch.cat([mean, query]))
            deviation = 0.01 + 0.99 * torch.log1p(s.exp())
            torch.testing.assert_close(found.mean[i, j, 0], m.detach())
            torch.testing.assert_close(found.variance[i, j, 0], deviation.detach() ** 2)


def test_classes_by_hand():
    learner, tasks = memory.make("cnp"), memory.batch("classes")
    found = learner(tasks).prediction
    for i in range(3):
        task = take(tasks, i)
        z, queries = learner.network(task.support.x), learner.network(task.query.x)
        means = []
        for k in range(3):
            label = torch.eye(3, dtype=torch.float64)[k]
            own = [
                perceptron(learner.encoder, torch.cat([a, label]))
                for a, b in zip(z, task.support.y, strict=True)
                if b == k
            ]
            means.append(sum(own) / len(own))
        for j, query in enumerate(queries):
            expected = perceptron(learner.decoder, torch.cat([*means, query]))
            torch.testing.assert_close(found[i, j], expected.detach())


def test_a_class_without_examples_spoils_nothing():
    learner, tasks = memory.make("cnp"), memory.batch("classes")
    tasks.support.y[tasks.support.y == 2] = 1
    outcome = learner(tasks)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in learner.parameters())


def test_the_state_does_not_grow():
    learner = memory.make("cnp", "numbers")
    few, many = (learner.adapt(memory.tasks("numbers", ((n, 1),))[0].support) for n in (2, 50))
    assert few.sums.shape == many.sums.shape == (1, 6)
    assert many.counts.tolist() == [50]


@pytest.mark.parametrize("make", [methods.cnp, methods.anp, methods.in_context])
def test_several_numbers_at_once(make):
    learner = make(mlp(1, None, []), outputs=2)
    support = Examples(torch.randn(4, 1), torch.randn(4, 2))
    prediction = learner.predict(learner.adapt(support), torch.randn(3, 1))
    assert isinstance(prediction, Gaussian)
    assert prediction.mean.shape == prediction.variance.shape == (3, 2)
    assert (prediction.variance >= 0.01**2).all()


def test_inputs_as_they_are():
    # the paper's own encoder of (x, y): an embedding without layers
    learner = methods.cnp(mlp(1, None, []))
    assert learner.encoder[0].in_features == 2
    assert not list(learner.network.parameters())
