"""Second-order MAML in the other libraries, each written in its own idiom.

A step fills the gradients of the network's parameters with the meta-gradient of the mean query loss. Every task goes
backward on its own, so that its graph is freed before the next one begins: the leanest form that each library allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.task import Task, number_of_tasks


class Pair(NamedTuple):
    """One task as these libraries take it.

    Attributes:
        support: inputs and targets to adapt on.
        query: inputs and targets to be judged on.
    """

    support: tuple[Tensor, Tensor]
    query: tuple[Tensor, Tensor]


PeerStep = Callable[[Sequence[Pair]], Tensor]
"""Fills the network's gradients; returns the mean query loss, detached."""


def pairs(tasks: Task) -> list[Pair]:
    """A batch of tasks as a list."""
    s, q = tasks.support, tasks.query
    return [Pair((s.x[i], s.y[i]), (q.x[i], q.y[i])) for i in range(number_of_tasks(tasks))]


def criterion(prediction: Tensor, y: Tensor) -> Tensor:
    """Squared error for numbers, cross-entropy for classes."""
    return F.mse_loss(prediction, y) if y.is_floating_point() else F.cross_entropy(prediction, y)


def higher(network: nn.Module, inner_steps: int, inner_lr: float) -> PeerStep:
    """`higher.innerloop_ctx` (Grefenstette et al. 2019)."""
    library = _library("higher")
    optimiser = torch.optim.SGD(network.parameters(), lr=inner_lr)

    def step(tasks: Sequence[Pair]) -> Tensor:
        network.zero_grad()
        total = torch.zeros(())
        for support, query in tasks:
            with library.innerloop_ctx(network, optimiser, copy_initial_weights=False) as (fast, inner):
                for _ in range(inner_steps):
                    inner.step(criterion(fast(support[0]), support[1]))
                loss = criterion(fast(query[0]), query[1]) / len(tasks)
                loss.backward()
            total = total + loss.detach()
        return total

    return step


def torchopt_meta(network: nn.Module, inner_steps: int, inner_lr: float) -> PeerStep:
    """`torchopt.MetaSGD`, which swaps the parameters inside the network (Ren et al. 2023)."""
    library = _library("torchopt")
    optimiser = library.MetaSGD(network, lr=inner_lr)

    def step(tasks: Sequence[Pair]) -> Tensor:
        network.zero_grad()
        start = library.extract_state_dict(network, by="reference", detach_buffers=True)
        fresh = library.extract_state_dict(optimiser, by="reference")
        total = torch.zeros(())
        for support, query in tasks:
            for _ in range(inner_steps):
                optimiser.step(criterion(network(support[0]), support[1]))
            loss = criterion(network(query[0]), query[1]) / len(tasks)
            loss.backward()
            total = total + loss.detach()
            library.recover_state_dict(network, start)
            library.recover_state_dict(optimiser, fresh)
        return total

    return step


def torchopt_functional(network: nn.Module, inner_steps: int, inner_lr: float) -> PeerStep:
    """`torchopt.FuncOptimizer` with `torch.func.functional_call` (Ren et al. 2023)."""
    library = _library("torchopt")
    names, parameters = zip(*network.named_parameters(), strict=True)

    def step(tasks: Sequence[Pair]) -> Tensor:
        network.zero_grad()
        total = torch.zeros(())
        for support, query in tasks:
            optimiser, fast = library.FuncOptimizer(library.sgd(lr=inner_lr)), parameters

            def outputs(x: Tensor, fast: Any) -> Tensor:
                found: Tensor = torch.func.functional_call(network, dict(zip(names, fast, strict=True)), (x,))
                return found

            for _ in range(inner_steps):
                fast = optimiser.step(criterion(outputs(support[0], fast), support[1]), fast)
            loss = criterion(outputs(query[0], fast), query[1]) / len(tasks)
            loss.backward()
            total = total + loss.detach()
        return total

    return step


PEERS: dict[str, Callable[[nn.Module, int, float], PeerStep]] = {
    "higher": higher,
    "torchopt MetaSGD": torchopt_meta,
    "torchopt FuncOptimizer": torchopt_functional,
}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} cannot be imported ({error}). Install what the comparison needs with "
            "`pip install 'innerloop[bench]'`."
        ) from error
