"""What may become one launch is decided without a GPU; tests/test_gpu.py has the launches."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

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


def test_tensors_that_are_no_inputs_are_known():
    graph = make_fx(lambda x: x * SCALE)(torch.ones(3))
    (held,) = held_by(graph)
    assert held.data_ptr() == SCALE.data_ptr()
    assert held_by(make_fx(torch.sin)(torch.ones(3))) == []
