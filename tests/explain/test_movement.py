import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers.given import Given, weights
from helpers.problems import classification, normed, perceptron, regression
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.evaluation import interval, paired_difference
from innerloop.explain import Movement, movement
from innerloop.mapping import Mapping
from innerloop.networks import mlp, with_context

TASKS = classification([(6, 6)] * 5)
RATE, STEPS = 0.3, 3
LAYERS = ["features.1", "features.3", "head"]


def by_hand(network, names, task):
    """`(STEPS, L)` relative movements by plain gradient descent."""
    start = {n: p.detach().clone() for n, p in network.named_parameters()}
    now, rows = dict(start), []
    for _ in range(STEPS):
        leaves = {n: p.clone().requires_grad_() for n, p in now.items()}
        out = torch.func.functional_call(network, leaves, (task.support.x,))
        found = torch.autograd.grad(F.cross_entropy(out, task.support.y), [leaves[n] for n in names])
        now = now | {n: now[n] - RATE * g for n, g in zip(names, found, strict=True)}
        rows.append([_size(now, layer, start) / _size(start, layer) for layer in LAYERS])
    return np.array(rows)


def _size(parameters, layer, origin=None):
    parts = [p - (0 if origin is None else origin[n]) for n, p in parameters.items() if n.startswith(layer + ".")]
    return float(torch.cat([p.detach().flatten() for p in parts]).norm())


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("method", ["maml", "anil", "boil"])
def test_movement_is_that_of_plain_gradient_descent(method, vectorise):
    network = perceptron()
    learner = getattr(methods, method)(network, inner_steps=STEPS, inner_lr=RATE)
    learner.mapping = Mapping(vectorise)
    found = movement(learner, Given(TASKS), 5, batch=2)
    expected = np.stack([by_hand(network, learner.adapted_names, task) for task in TASKS])
    assert [layer.name for layer in found.layers] == LAYERS
    for i, layer in enumerate(found.layers):
        assert len(layer.relative) == STEPS
        for k, moved in enumerate(layer.relative):
            assert moved == pytest.approx(interval(expected[:, k, i]), rel=1e-8, abs=1e-12)
    assert [layer.adapts for layer in found.layers] == [method != "anil", method != "anil", method != "boil"]
    assert (found.body is None) == (method == "anil")
    assert (found.head is None) == (method == "boil")
    if method == "maml":
        sizes = np.array([_size(dict(network.named_parameters()), layer) for layer in LAYERS])
        last = expected[:, -1] * sizes
        body = np.linalg.norm(last[:, :2], axis=1) / np.linalg.norm(sizes[:2])
        assert found.body == pytest.approx(interval(body), rel=1e-8)
        assert found.difference == pytest.approx(paired_difference(expected[:, -1, 2], body), rel=1e-8)


def test_words_say_which_part_moves_less():
    learner = methods.maml(perceptron(), inner_steps=1, inner_lr=0.1)
    found = movement(learner, Given(TASKS), 5)
    assert found.sentences[0].startswith(("The body moves", "No difference seen"))
    assert "moves most" in found.sentences[-1]
    learner = methods.anil(perceptron(), inner_steps=1, inner_lr=0.1)
    assert movement(learner, Given(TASKS), 5).sentences[0].startswith("Only the head adapts: it moves by")


def test_what_starts_at_zero_has_no_relative_movement():
    learner = methods.cavia(with_context(mlp(4, 1, [3]).double(), 2), inner_steps=2, inner_lr=1.0)
    found = movement(learner, Given(regression()), 3)
    context = next(layer for layer in found.layers if layer.adapts)
    assert context.name == "features.1"
    # the context's weights stand beside it, do not adapt, and make the layer's size
    assert np.isfinite(context.relative[-1].mean)
    assert context.absolute[-1].mean > 0
    head = methods.linear_head(perceptron(), 3, inner_steps=2).double()
    found = movement(head, Given(TASKS), 3)
    assert np.isnan(found.layers[-1].relative[-1].mean)
    assert found.sentences == ["Only the head adapts.", f"head starts at zero and moves by "
                               f"{found.layers[-1].absolute[-1].mean:.3g}."]  # fmt: skip
    assert Movement.from_json(found.to_json()).to_json() == found.to_json()


def test_norms_and_a_head_of_prototypes():
    learner = methods.proto_maml(normed(None), inner_steps=1, inner_lr=0.1, norm="support").double()
    before = weights(learner)
    found = movement(learner, Given(TASKS), 3)
    assert found.normed == ["features.0"]
    assert all(np.isfinite(layer.relative[-1].mean) for layer in found.layers)
    assert weights(learner) == before


def test_learners_without_steps_are_named():
    with pytest.raises(ConfigurationError, match="Prototypes takes no gradient steps"):
        movement(methods.prototypes(perceptron(None)), Given(TASKS))
    with pytest.raises(ConfigurationError, match="tasks must be at least 2; got 1"):
        movement(methods.maml(perceptron()), Given(TASKS), 1)


def test_damaged_findings_are_refused():
    found = movement(methods.maml(perceptron()), Given(TASKS), 3).to_json()
    stepless = {**found["layers"][0], "relative": []}
    for change in ({"layers": []}, {"tasks": "many"}, {"body": 3}, {"layers": [stepless]}):
        with pytest.raises(DataError, match="Not a finding"):
            Movement.from_json({**found, **change})
