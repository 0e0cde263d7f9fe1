import dataclasses

import pytest
import torch
from torch import nn

from innerloop.bench import WORKLOADS, _implementations, chosen
from innerloop.bench._implementations import MAPPINGS, build, difference
from innerloop.bench._peak import needed_flops
from innerloop.bench._problem import network_of, tasks_of, with_plain_norms
from innerloop.networks import Norm

SMALL = {workload.name: workload for workload in chosen(["S1", "O1", "M5"], small=True)}


@pytest.mark.parametrize("workload", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("name", MAPPINGS)
def test_every_mapping_has_the_same_gradient_in_float64(name, workload):
    assert difference(name, workload, "cpu") < 1e-9


def test_other_work_is_found(monkeypatch):
    learner_of = _implementations.learner_of

    def other(network, workload):
        # planted: only the row that is checked has another learning rate
        rate = workload.inner_lr * (1 if next(calls) == 0 else 1.001)
        return learner_of(network, dataclasses.replace(workload, inner_lr=rate))

    calls = iter(range(2))
    monkeypatch.setattr(_implementations, "learner_of", other)
    assert difference("vmap", SMALL["O1"], "cpu") > 1e-6


def test_network_and_tasks_are_the_same_in_every_process():
    for workload in SMALL.values():
        for one, two in zip(network_of(workload).parameters(), network_of(workload).parameters(), strict=True):
            assert torch.equal(one, two)
        assert torch.equal(tasks_of(workload).query.x, tasks_of(workload).query.x)


def test_the_sizes_are_those_of_the_title():
    tasks = tasks_of(WORKLOADS["O1"])
    assert tasks.support.x.shape == (8, 5, 1, 28, 28)
    assert tasks.query.x.shape == (8, 75, 1, 28, 28)
    assert tasks_of(WORKLOADS["S5"]).support.x.shape == (25, 10, 1)
    assert [p.shape[0] for p in network_of(WORKLOADS["O1"]).parameters()][:2] == [64, 64]


def test_plain_norms_compute_the_same():
    network, x = network_of(SMALL["O1"]), torch.rand(6, 1, 16, 16)
    before = network.train()(x)
    plain = with_plain_norms(network)
    assert not any(isinstance(module, Norm) for module in plain.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    torch.testing.assert_close(plain(x), before)


def test_operations_are_those_of_the_formula():
    # forward, gradient in the weights, and for all but the first layer in the inputs: of 10 rows, one multiplication
    # and one addition for every weight; the inner step is differentiated a second time
    workload = SMALL["S1"]
    weights, first = 40 + 40 * 40 + 40, 40
    once = 2 * 10 * weights
    forward_and_backward = 3 * once - 2 * 10 * first
    assert needed_flops(workload, "cpu") > 2 * forward_and_backward * workload.tasks
    assert needed_flops(workload, "cpu") < 5 * forward_and_backward * workload.tasks


def test_a_step_fills_the_gradients():
    network, tasks, runner = build("loop", SMALL["S1"], "cpu", torch.float32)
    assert float(runner(tasks)()) > 0
    assert all(p.grad is not None for p in network.parameters())
