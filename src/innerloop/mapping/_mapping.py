"""How a learner is mapped over a batch of tasks: how many at a time, vectorised or one by one.

The meta-gradient is taken here, inside the forward pass, chunk by chunk, and handed out by one autograd function.
So memory depends on the size of a chunk and not on the number of tasks, and `loss.backward()` stays all that a
user writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils import _pytree as pytree

from innerloop.errors import ConfigurationError, TrainingError
from innerloop.mapping._gradient import vectorised
from innerloop.mapping._randomness import begin_chunk
from innerloop.task import Task, Tree, number_of_tasks, take


@dataclass(frozen=True)
class Mapping:
    """How tasks are mapped: every choice gives the same numbers, at another speed and memory.

    Args:
        vectorise: run the tasks of a chunk side by side with `torch.func.vmap`; otherwise one after the other with
            `torch.autograd.grad`.
        chunk: tasks in flight at a time; None: all. Memory grows with it. The loop always takes one.
        reason: why it was chosen, for the log.

    >>> print(Mapping(vectorise=True, chunk=8))
    vmap in chunks of 8
    """

    vectorise: bool
    chunk: int | None = None
    reason: str = "asked for"

    def __post_init__(self) -> None:
        if self.chunk is not None and self.chunk < 1:
            raise ConfigurationError(f"A chunk has at least 1 task; got {self.chunk}.")

    def __str__(self) -> str:
        if not self.vectorise:
            return "loop"
        return "vmap" if self.chunk is None else f"vmap in chunks of {self.chunk}"

    def to_json(self) -> dict[str, Any]:
        """Plain values: `Mapping(**value)` gives the mapping back."""
        return dict(vars(self))

    def map(self, function: Callable[[Task], Tree], tasks: Task) -> Tree:
        """`function` of every task, stacked; gradients do not flow through it."""
        with torch.no_grad():
            return _stack([self._run(function, chunk) for chunk in self._chunks(tasks)])

    def map_with_gradient(
        self,
        function: Callable[[Task], tuple[Tensor, Tree]],
        tasks: Task,
        parameters: dict[str, nn.Parameter],
    ) -> tuple[Callable[[Tensor], Tensor], Tree]:
        """Maps `function` and takes the gradient of the mean of its first result.

        Args:
            function: from a task to (scalar to differentiate, tree of tensors to report).
            tasks: a batch of tasks.
            parameters: where to take the gradient.

        Returns:
            A function that attaches the gradient to a scalar value, and the reported tree, stacked and detached.

        Raises:
            TrainingError: if a parameter has no meta-gradient.
        """
        count = number_of_tasks(tasks)
        total: list[Tensor] | None = None
        reports = []
        for chunk in self._chunks(tasks):
            with torch.enable_grad():
                surrogate, report = self._run(function, chunk)
                if not surrogate.requires_grad:
                    _demand((None,) * len(parameters), parameters)
                found = torch.autograd.grad(surrogate.sum() / count, list(parameters.values()), allow_unused=True)
            gradients = _demand(found, parameters)
            total = gradients if total is None else list(torch._foreach_add(total, gradients))
            reports.append(pytree.tree_map(Tensor.detach, report))

        def attach(value: Tensor) -> Tensor:
            return cast(Tensor, _HandOut.apply(value, total, *parameters.values()))

        return attach, _stack(reports)

    def _chunks(self, tasks: Task) -> Iterator[Task]:
        count = number_of_tasks(tasks)
        size = (self.chunk or count) if self.vectorise else 1
        for start in range(0, count, size):
            begin_chunk(start)
            yield take(tasks, slice(start, start + size))

    def _run(self, function: Callable[[Task], Tree], chunk: Task) -> Tree:
        with vectorised(self.vectorise):
            if self.vectorise:
                return torch.func.vmap(function, randomness="different")(chunk)
            return pytree.tree_map(lambda leaf: leaf[None], function(take(chunk, 0)))


class _HandOut(torch.autograd.Function):
    # Gives a value the gradients that were computed with it.

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(*gradients)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(weight * gradient for gradient in ctx.saved_tensors)


def _stack(chunks: list[Tree]) -> Tree:
    return pytree.tree_map(lambda *leaves: torch.cat(leaves), *chunks)


def _demand(found: tuple[Tensor | None, ...], parameters: dict[str, nn.Parameter]) -> list[Tensor]:
    missing = [name for name, gradient in zip(parameters, found, strict=True) if gradient is None]
    if missing:
        raise TrainingError(
            f"No meta-gradient reaches {', '.join(missing)}: the query loss does not depend on it. "
            "Freeze it with requires_grad_(False), or use it in the network's forward."
        )
    return [gradient for gradient in found if gradient is not None]
