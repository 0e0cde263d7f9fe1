"""A workload's network and tasks, the same in every process."""

from __future__ import annotations

import torch
from torch import nn

from innerloop.bench._workloads import Workload
from innerloop.networks import Norm, conv4, mlp
from innerloop.sources import Sinusoids
from innerloop.task import Examples, Task, take

WAYS = 5


def network_of(workload: Workload) -> nn.Module:
    """The network with the same weights every time."""
    torch.manual_seed(0)
    if not workload.filters:
        return mlp(1, 1)
    return conv4(WAYS, workload.filters, channels=workload.channels, size=workload.side, downsample="pool")


def tasks_of(workload: Workload) -> Task:
    """The batch of tasks: sinusoids, or random pictures (their content changes nothing in the time)."""
    if not workload.filters:
        return Sinusoids(shots=workload.queries, queries=workload.queries).train[0 : workload.tasks]
    generator = torch.Generator().manual_seed(1)
    shape = (workload.channels, workload.side, workload.side)

    def examples(each: int) -> Examples:
        y = torch.arange(WAYS).repeat(each).repeat(workload.tasks, 1)
        x = torch.rand(*y.shape, *shape, generator=generator)
        return Examples(x, y, torch.ones(y.shape, dtype=torch.bool), WAYS)

    return Task(examples(1), examples(workload.queries), torch.arange(workload.tasks))


def first(tasks: Task, count: int) -> Task:
    """The first `count` tasks of a batch."""
    return take(tasks, slice(0, count))


def cast(tasks: Task, kind: torch.dtype) -> Task:
    """The same tasks with floating-point leaves of another type."""
    return tasks.map(lambda leaf: leaf.to(kind) if leaf.is_floating_point() else leaf)


def with_plain_norms(network: nn.Module) -> nn.Module:
    """Our norm layers replaced by `nn.BatchNorm2d` without running averages: what users of other libraries write."""
    for name, child in network.named_children():
        if isinstance(child, Norm):
            plain = nn.BatchNorm2d(child.weight.numel(), eps=child.eps, track_running_stats=False)
            plain.weight, plain.bias = child.weight, child.bias
            setattr(network, name, plain)
        else:
            with_plain_norms(child)
    return network
