import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.given import Given, weights
from helpers.problems import classification, convolutional, normed, perceptron
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import interval
from innerloop.explain import Similarity, linear_cka, similarity
from innerloop.mapping import Mapping
from innerloop.networks import Backbone
from innerloop.task import Task, pad

TASKS = classification([(6, 9)] * 5)
RATE = 0.5


def by_hand(network, task, modules):
    """Similarity of each module's outputs before and after one step of plain gradient descent."""
    parameters = dict(network.named_parameters())
    out = torch.func.functional_call(network, parameters, (task.support.x,))
    found = torch.autograd.grad(F.cross_entropy(out, task.support.y), list(parameters.values()))
    after = {n: (p - RATE * g).detach() for (n, p), g in zip(parameters.items(), found, strict=True)}

    def outputs(values):
        seen = []
        handles = [m.register_forward_hook(lambda module, inputs, out: seen.append(out)) for m in modules]
        with torch.no_grad():
            torch.func.functional_call(network, values, (task.query.x,))
        for handle in handles:
            handle.remove()
        return [out.numpy() for out in seen]

    return [linear_cka(x, y) for x, y in zip(outputs(parameters), outputs(after), strict=True)]


@pytest.mark.parametrize("vectorise", [False, True])
def test_similarity_is_that_of_hand_made_adaptation(vectorise):
    network = perceptron()
    learner = methods.maml(network, inner_lr=RATE)
    learner.mapping = Mapping(vectorise)
    found = similarity(learner, Given(TASKS), 5, batch=2)
    modules = [network.features[1], network.features[3], network.head]
    expected = np.array([by_hand(network, task, modules) for task in TASKS])
    for i, layer in enumerate(found.layers):
        assert layer.cka == pytest.approx(interval(expected[:, i]), rel=1e-6)
        assert layer.constant == 0
        assert layer.chance < 0.5


def test_what_does_not_adapt_stays_the_same():
    learner = methods.anil(normed(), inner_steps=3, inner_lr=2.0, norm="support")
    before = weights(learner)
    found = similarity(learner, Given(TASKS), 5)
    assert [layer.name for layer in found.layers] == ["features.0", "head"]
    assert found.layers[0].cka.mean == pytest.approx(1.0)
    assert found.layers[1].cka.mean < 0.999
    assert weights(learner) == before
    assert Similarity.from_json(found.to_json()).to_json() == found.to_json()


def test_padding_counts_for_nothing():
    learner = methods.maml(normed(), inner_lr=RATE, norm="batch")
    padded = [Task(task.support, pad(task.query, 12), task.index) for task in TASKS]
    for task in padded:
        task.query.x[9:] = 1e3
    plain, other = (similarity(learner, Given(tasks), 5) for tasks in (TASKS, padded))
    for a, b in zip(plain.layers, other.layers, strict=True):
        assert a.cka == pytest.approx(b.cka, rel=1e-6)
        assert a.chance == pytest.approx(b.chance, abs=0.2)


def test_convolutions():
    tasks = classification([(6, 6)] * 3, shape=(1, 16, 16))
    found = similarity(methods.maml(convolutional(), inner_lr=0.1), Given(tasks), 3)
    assert len(found.layers) == 5
    assert all(-0.5 < layer.cka.mean <= 1.0 + 1e-9 for layer in found.layers)


def test_an_unrelated_representation_is_at_chance():
    # a wild step leaves nothing of what was there
    network = perceptron()
    learner = methods.maml(network, inner_lr=1e-9)
    kept = similarity(learner, Given(TASKS), 5)
    assert kept.layers[0].cka.mean == pytest.approx(1.0)
    assert kept.layers[0].chance < 0.3
    assert kept.sentences == ["Adaptation keeps all representations: CKA 1.000 or more."]


def test_dead_layers_have_no_similarity():
    network = Backbone(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), nn.Linear(3, 3), 3).double()
    with torch.no_grad():
        network.features[0].weight.zero_()
    learner = methods.anil(network, inner_lr=RATE)
    found = similarity(learner, Given(TASKS), 5)
    assert [layer.constant for layer in found.layers] == [5, 5]
    assert found.sentences == []
    assert Similarity.from_json(found.to_json()).to_json() == found.to_json()


def test_words():
    layers = [{"name": n, "head": n == "head", "cka": {"mean": m, "half": 0.01}, "chance": 0.05, "constant": 0}
              for n, m in (("features.0", 0.99), ("features.3", 0.95), ("head", 0.3))]  # fmt: skip
    found = Similarity.from_json({"layers": layers, "tasks": 10})
    assert found.sentences[0].startswith("Features are reused: adaptation keeps")
    layers[1]["cka"]["mean"] = 0.01
    found = Similarity.from_json({"layers": layers, "tasks": 10})
    assert "changes the representations of features.3 most" in found.sentences[0]
    assert found.sentences[1].startswith("Of features.3 no more is left")


def test_learners_and_tasks_that_have_none():
    with pytest.raises(ConfigurationError, match="the same before and after"):
        similarity(methods.prototypes(perceptron(None)), Given(TASKS))
    few = classification([(6, 3)] * 2)
    with pytest.raises(ConfigurationError, match="at least 4 query examples in a task; got 3"):
        similarity(methods.maml(perceptron()), Given(few), 2)
