import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers.given import Given, weights
from helpers.problems import classification, normed, perceptron
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import interval
from innerloop.explain import Alignment, alignment
from innerloop.mapping import Mapping

TASKS = classification([(6, 6)] * 4)
RATE, STEPS = 0.3, 2


def by_hand(network, task):
    """Support and query gradient at the start, and `J'v` and `v`, with an explicit Jacobian."""
    names = [name for name, _ in network.named_parameters()]
    shapes = [p.shape for p in network.parameters()]
    start = torch.cat([p.detach().flatten() for p in network.parameters()])

    def loss(flat, examples):
        parts = flat.split([shape.numel() for shape in shapes])
        values = {n: part.view(shape) for n, part, shape in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(torch.func.functional_call(network, values, (examples.x,)), examples.y)

    support, query = torch.func.grad(loss)(start, task.support), torch.func.grad(loss)(start, task.query)
    jacobian, now = torch.eye(len(start), dtype=start.dtype), start
    for _ in range(STEPS):
        hessian = torch.func.jacrev(torch.func.grad(loss))(now, task.support)
        jacobian = (torch.eye(len(start), dtype=start.dtype) - RATE * hessian) @ jacobian
        now = now - RATE * torch.func.grad(loss)(now, task.support)
    kept = torch.func.grad(loss)(now, task.query)
    return support, query, jacobian.T @ kept, kept


@pytest.mark.parametrize("vectorise", [False, True])
def test_against_an_explicit_jacobian(vectorise):
    network = perceptron(activation="softplus")
    learner = methods.maml(network, inner_steps=STEPS, inner_lr=RATE)
    learner.mapping = Mapping(vectorise)
    found = alignment(learner, Given(TASKS), 4)
    each = [by_hand(network, task) for task in TASKS]
    within = [float(torch.cosine_similarity(s, q, dim=0)) for s, q, _, _ in each]
    second = [float((whole - kept).norm() / kept.norm()) for _, _, whole, kept in each]
    across = [float(torch.cosine_similarity(each[i][1], each[i + 1][1], dim=0)) for i in (0, 2)]
    assert found.within == pytest.approx(interval(np.array(within)), rel=1e-6)
    assert found.second_order == pytest.approx(interval(np.array(second)), rel=1e-6)
    assert found.across == pytest.approx(interval(np.array(across)), rel=1e-6)
    assert Alignment.from_json(found.to_json()).to_json() == found.to_json()


@pytest.mark.parametrize("method", ["anil", "boil", "fomaml", "meta_sgd", "proto_maml", "lstm", "maml"])
@pytest.mark.parametrize("norm", ["batch", "support"])
def test_every_member_under_both_mappings(method, norm):
    torch.manual_seed(0)
    learner = getattr(methods, method)(normed(None if method == "proto_maml" else 3), inner_steps=2, norm=norm).double()
    before = weights(learner)
    results = []
    for vectorise in (False, True):
        learner.mapping = Mapping(vectorise)
        results.append(alignment(learner, Given(TASKS), 4))
    for a, b in zip(*(vars(result).values() for result in results), strict=True):
        assert a == pytest.approx(b, rel=1e-5, nan_ok=True)
    assert weights(learner) == before
    assert all(p.grad is None for p in learner.parameters())


def test_a_task_that_is_its_own_query():
    tasks = [type(task)(task.support, task.support, task.index) for task in TASKS]
    found = alignment(methods.maml(perceptron(), inner_lr=1e-6), Given(tasks), 4)
    assert found.within.mean == pytest.approx(1.0)
    assert found.second_order.mean < 1e-4
    assert "a cosine of 1.000" in found.sentences[0]


def test_learners_without_gradients_are_named():
    with pytest.raises(ConfigurationError, match="no gradients to compare"):
        alignment(methods.prototypes(perceptron(None)), Given(TASKS))
