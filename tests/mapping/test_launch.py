"""What may become one launch is decided without a GPU; tests/test_gpu.py has the launches."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from helpers import problems
from helpers.learners import ALL, make, outputs
from innerloop import learner as learners
from innerloop.mapping import Mapping, _capture
from innerloop.mapping._launch import held_by, strays

SCALE = torch.tensor(2.0)


def captured(function):
    return make_fx(function)(torch.ones(3, device="meta"))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sin() * 2,
        lambda x: x * torch.tensor(2.0),  # written down in the code
        lambda x: x + torch.zeros(3, device="meta"),
    ],
)
def test_what_stays_on_the_device(function):
    assert not strays(captured(function), "meta")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * torch.rand(()),  # would be drawn once
        lambda x: x * SCALE,  # somebody may change it
        lambda x: x * torch.tensor(2.0).exp(),
        lambda x: (x.sin(), torch.zeros(3)),
    ],
)
def test_what_does_not(function):
    assert strays(captured(function), "meta")


def test_a_number_of_another_type_than_what_is_mapped_over():
    graph = make_fx(torch.vmap(lambda x: x.sum() * 2.5))(torch.ones(4, 3, device="meta"))
    assert any(node.meta["val"].device.type == "cpu" for node in graph.graph.nodes if "val" in node.meta)
    assert not strays(graph, "meta")


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("vectorise", [True, False])
@pytest.mark.parametrize("method", ALL)
def test_steps_of_learners_stay_on_the_device(method, vectorise, kind, monkeypatch):
    found = []

    def seen(graph):
        found.append(strays(graph, "meta"))
        return graph

    monkeypatch.setattr(_capture, "tidy", seen)
    # both look at values, and there are none
    monkeypatch.setattr(learners, "demand_sound", lambda tasks: None)
    monkeypatch.setattr(learners, "is_padded", lambda tasks: False)
    learner = make(method, problems.normed(outputs(method))).to("meta", kind)
    learner.mapping = Mapping(vectorise, graph="captured")
    learner(problems.batch().map(lambda leaf: leaf.to("meta", kind if leaf.is_floating_point() else leaf.dtype)))
    assert found == [[]]
    assert not learner._workspace._instead


def test_tensors_that_are_no_inputs_are_known():
    graph = make_fx(lambda x: x * SCALE)(torch.ones(3))
    (held,) = held_by(graph)
    assert held.data_ptr() == SCALE.data_ptr()
    assert held_by(make_fx(torch.sin)(torch.ones(3))) == []
