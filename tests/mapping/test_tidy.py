"""Graphs get shorter and their results stay what they are, to the bit."""

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from helpers import problems
from helpers.learners import make
from innerloop.mapping import Mapping, _capture
from innerloop.mapping._tidy import tidy

X = torch.randn(3, 4)


def recorded(function):
    graph = make_fx(function)(X.clone())
    return graph, [node for node in graph.graph.nodes if node.op == "call_function"]


def left(function):
    """How many operations are left of how many."""
    graph, before = recorded(function)
    expected = graph(X.clone())
    tidied = tidy(graph)
    assert torch.equal(tidied(X.clone()), expected)
    return len([node for node in tidied.graph.nodes if node.op == "call_function"]), len(before)


def test_what_does_nothing_goes():
    assert left(lambda x: x.detach().sin()) == (1, 2)
    assert left(lambda x: x.view(3, 4).sin().expand(3, 4)) == (1, 3)
    assert left(lambda x: x.t().t().sin().transpose(0, 1).transpose(0, 1))[0] < 5
    assert left(lambda x: torch.ops.aten.mul.Scalar(x, 1).sin()) == (1, 2)


def test_what_does_something_stays():
    assert left(lambda x: x.view(4, 3).sin()) == (2, 2)
    assert left(lambda x: x[:1].expand(3, 4).sin())[0] >= 2
    assert left(lambda x: x.t().sin()) == (2, 2)
    assert left(lambda x: torch.ops.aten.mul.Scalar(x, 2).sin()) == (2, 2)


def test_a_copy_that_is_written_to_stays_a_copy():
    assert left(lambda x: torch.ops.aten.mul.Scalar(x, 1).add_(1) + x) == (3, 3)


def test_random_draws_stay():
    graph, _ = recorded(lambda x: [torch.rand(2), x + torch.rand(3, 4)][1])
    torch.manual_seed(0)
    expected = graph(X)
    torch.manual_seed(0)
    assert torch.equal(tidy(graph)(X), expected)


def test_a_meta_gradient_keeps_every_bit(monkeypatch):
    learner, tasks = make("maml", problems.normed()), problems.batch()
    learner.mapping = Mapping.named("captured")

    def gradients():
        learner.zero_grad()
        learner(tasks).loss.backward()
        return [p.grad.clone() for p in learner.parameters()]

    found = gradients()
    monkeypatch.setattr(_capture, "tidy", lambda graph: graph)
    learner._workspace.__init__()
    for a, b in zip(found, gradients(), strict=True):
        assert torch.equal(a, b)
