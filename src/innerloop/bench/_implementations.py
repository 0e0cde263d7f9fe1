"""The implementations that are compared, behind one interface."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from innerloop import methods
from innerloop.bench._peers import PEERS, pairs
from innerloop.bench._problem import cast, first, network_of, tasks_of, with_plain_norms
from innerloop.bench._workloads import Workload
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.task import Task

MAPPINGS: dict[str, Mapping] = {
    str(mapping): mapping
    for mapping in (
        Mapping(vectorise=False),
        Mapping(vectorise=False, channels_last=True),
        Mapping(vectorise=True),
        Mapping(vectorise=True, chunk=8),
        Mapping(vectorise=False, graph="captured"),
        Mapping(vectorise=True, graph="captured"),
        Mapping(vectorise=True, graph="compiled"),
    )
}
"""Our rows; a new way to map is a new line."""

REFERENCE = "loop"
"""The row that the others are compared with before they are timed: the plainest one."""

CHECKED_TASKS = 2
"""Tasks of the comparison in float64: what differs between implementations is inside a task, and in the mean."""


Runner = Callable[[Task], Callable[[], Tensor]]
"""From tasks to one step on them, which fills the network's gradients and returns the mean query loss."""


def learner_of(network: nn.Module, workload: Workload) -> Learner:
    """Our learner for a workload."""
    return methods.maml(network, inner_steps=workload.inner_steps, inner_lr=workload.inner_lr)


def build(name: str, workload: Workload, device: str, kind: torch.dtype) -> tuple[nn.Module, Task, Runner]:
    """The network, its tasks, and how to take steps.

    Args:
        name: one of `MAPPINGS` or `PEERS`.
        workload: what to compute.
        device: where.
        kind: of floating-point numbers.
    """
    network, tasks = network_of(workload), cast(tasks_of(workload), kind).map(lambda leaf: leaf.to(device))
    if name in PEERS:
        network = with_plain_norms(network).to(device, kind)
        step = PEERS[name](network, workload.inner_steps, workload.inner_lr)

        def peer(tasks: Task) -> Callable[[], Tensor]:
            batch = pairs(tasks)
            return lambda: step(batch)

        return network, tasks, peer
    network = network.to(device, kind)
    learner = learner_of(network, workload)
    learner.mapping = MAPPINGS[name]

    def own(tasks: Task) -> Callable[[], Tensor]:
        def step() -> Tensor:
            learner.zero_grad()
            loss: Tensor = learner(tasks).loss
            loss.backward()
            return loss.detach()

        return step

    return network, tasks, own


def difference(name: str, workload: Workload, device: str) -> float:
    """The largest difference to the reference's meta-gradient in float64, relative to its largest entry."""

    def gradients(name: str) -> dict[str, Tensor]:
        network, tasks, runner = build(name, workload, device, torch.float64)
        runner(first(tasks, CHECKED_TASKS))()
        return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}

    ours, theirs = gradients(REFERENCE), gradients(name)
    if ours.keys() != theirs.keys():
        return float("inf")
    largest = max(float(g.abs().max()) for g in ours.values())
    return max(float((ours[n] - theirs[n]).abs().max()) for n in ours) / largest
