"""How a learner is mapped over a batch of tasks: how many at a time, vectorised or one by one, as a graph or not.

The meta-gradient is taken here, inside the forward pass, chunk by chunk, and handed out by one autograd function.
So memory depends on the size of a chunk and not on the number of tasks, and `loss.backward()` stays all that a
user writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils import _pytree as pytree

from innerloop.errors import ConfigurationError, TrainingError
from innerloop.mapping._fallback import is_own, reason_of
from innerloop.mapping._gradient import vectorised
from innerloop.mapping._layout import with_channels_last
from innerloop.mapping._randomness import begin_chunk
from innerloop.mapping._workspace import Workspace
from innerloop.task import Task, Tree, number_of_tasks, take

Graph = Literal["eager", "captured", "compiled"]
KINDS = ("loop", "vmap", "captured", "compiled")
"""The mappings by name."""


@dataclass(frozen=True)
class Mapping:
    """How tasks are mapped: every choice gives the same numbers, at another speed and memory.

    Args:
        vectorise: run the tasks of a chunk side by side with `torch.func.vmap`; otherwise one after the other with
            `torch.autograd.grad`.
        chunk: tasks in flight at a time; None: all. Memory grows with it. The loop always takes one.
        reason: why it was chosen, for the log.
        graph: "captured": the step with its meta-gradient is recorded once as a graph of tensor operations and
            replayed from then on, without autograd and Python in between; "compiled": the graph goes through
            `torch.compile`'s backend. Steps without gradients are always eager.
        memory: bytes that tensors of a step may take; vectorised chunks are made small enough for it. How many bytes
            a task needs is measured once per shape of tasks (see `innerloop.mapping.memory_need`).
        threads: threads of a CPU that `innerloop.fit` sets while it trains; None: as many as there are.
        channels_last: give each task's pictures `(N, C, H, W)` to the network with the channels innermost in memory,
            which all that follows then keeps: on a CPU, pooling and norms run faster so. For the loop only.

    Raises:
        ConfigurationError: for a chunk, a ceiling or a graph that cannot be.

    >>> print(Mapping(vectorise=True, chunk=8))
    vmap in chunks of 8
    """

    vectorise: bool
    chunk: int | None = None
    reason: str = "asked for"
    graph: Graph = "eager"
    memory: int | None = None
    threads: int | None = None
    channels_last: bool = False

    def __post_init__(self) -> None:
        for name, words in (
            ("chunk", "A chunk has at least 1 task"),
            ("memory", "memory= is a whole number of bytes from 1"),
            ("threads", "threads= is a whole number from 1"),
        ):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigurationError(f"{words}; got {value!r}.")
        if self.channels_last and self.vectorise:
            raise ConfigurationError("channels_last= is for the loop: vmap has a layout of its own. Leave it out.")
        if self.graph not in get_args(Graph):
            raise ConfigurationError(f"graph= is one of {', '.join(get_args(Graph))}; got {self.graph!r}.")

    @classmethod
    def named(cls, kind: str, chunk: int | None = None, memory: int | None = None) -> Mapping:
        """The mapping that the command calls `kind`: loop, vmap, captured or compiled.

        Raises:
            ConfigurationError: if there is no such kind.

        >>> print(Mapping.named("captured", chunk=4))
        captured vmap in chunks of 4
        """
        if kind not in KINDS:
            raise ConfigurationError(f"There is no mapping {kind!r}; there are auto, {', '.join(KINDS)}.")
        graph = cast(Graph, kind if kind in get_args(Graph) else "eager")
        return cls(vectorise=kind != "loop", chunk=chunk, graph=graph, memory=memory)

    def __str__(self) -> str:
        loop = "loop, channels last" if self.channels_last else "loop"
        how = loop if not self.vectorise else "vmap" if self.chunk is None else f"vmap in chunks of {self.chunk}"
        return how if self.graph == "eager" else f"{self.graph} {how}"

    @property
    def way(self) -> tuple[bool, bool, Graph]:
        """What a recorded graph depends on: chunks differ in the shapes of their tasks alone."""
        return self.vectorise, self.channels_last, self.graph

    def to_json(self) -> dict[str, Any]:
        """Plain values: `Mapping(**value)` gives the mapping back."""
        return dict(vars(self))

    def simpler(self, reason: str) -> Mapping | None:
        """What to do where this mapping is not possible; None for the loop, which always is."""
        told = " is not possible: " in self.reason and not self.reason.endswith(reason)
        before = self.reason + "; " if told else ""
        reason = f"{before}{self} is not possible: {reason}"
        match self.graph, self.vectorise:
            case "compiled", _:
                return replace(self, graph="captured", reason=reason)
            case "captured", _:
                return replace(self, graph="eager", reason=reason)
            case _, True:
                return replace(self, vectorise=False, chunk=None, reason=reason)
        return None

    def map(
        self,
        function: Callable[[Task], Tree],
        tasks: Task,
        module: nn.Module | None = None,
        workspace: Workspace | None = None,
    ) -> Tree:
        """`function` of every task, stacked; gradients do not flow through it.

        Args:
            function: from a task to a tree of tensors.
            tasks: a batch of tasks.
            module: holds what `function` reads besides the task.
            workspace: what is kept between calls.
        """

        def attempt(mapping: Mapping) -> Tree:
            with torch.no_grad():
                return _stack([mapping._run(function, chunk) for chunk in mapping._chunks(tasks)])

        return replace(self, graph="eager")._within_reach(attempt, module, workspace)

    def map_with_gradient(
        self,
        function: Callable[[Task], tuple[Tensor, Tree]],
        tasks: Task,
        parameters: dict[str, nn.Parameter],
        module: nn.Module | None = None,
        workspace: Workspace | None = None,
        fall_back: bool = True,
    ) -> tuple[Callable[[Tensor], Tensor], Tree]:
        """Maps `function` and takes the gradient of the mean of its first result.

        Args:
            function: from a task to (scalar to differentiate, tree of tensors to report).
            tasks: a batch of tasks.
            parameters: where to take the gradient.
            module: holds what `function` reads besides the task; captured graphs need to know it.
            workspace: what is kept between calls: captured graphs, memory needs, fallbacks.
            fall_back: where the mapping is not possible, take the next simpler one and say so in the log.

        Returns:
            A function that attaches the gradient to a scalar value, and the reported tree, stacked and detached.

        Raises:
            TrainingError: if a parameter has no meta-gradient.
        """
        workspace = workspace or Workspace()

        def attempt(mapping: Mapping) -> tuple[list[Tensor], Tree]:
            if mapping.memory is not None and mapping.vectorise:
                mapping = workspace.within(mapping, tasks, run, module)
            return run(mapping, tasks)

        def run(mapping: Mapping, tasks: Task) -> tuple[list[Tensor], Tree]:
            total: list[Tensor] | None = None
            reports = []
            for chunk in mapping._chunks(tasks):
                gradients, report = mapping._step(function, chunk, parameters, module, workspace)
                total = gradients if total is None else list(torch._foreach_add(total, gradients))
                reports.append(report)
            assert total is not None
            return total, _stack(reports)

        total, report = self._within_reach(attempt, module, workspace) if fall_back else attempt(self)
        count = number_of_tasks(tasks)

        def attach(value: Tensor) -> Tensor:
            return cast(Tensor, _HandOut.apply(value, total, count, *parameters.values()))

        return attach, report

    def _within_reach(
        self, attempt: Callable[[Mapping], Tree], module: nn.Module | None, workspace: Workspace | None
    ) -> Tree:
        # whatever fails is tried again more simply: only what the loop cannot do either is the user's error
        mapping = found = workspace.instead_of(self) if workspace is not None else self
        while True:
            try:
                result = attempt(found)
                break
            except Exception as error:
                simpler = None if is_own(error) else found.simpler(reason_of(error, module))
                if simpler is None:
                    raise
            found = simpler
        if workspace is not None and found is not mapping:
            workspace.remember(self, found)
        return result

    def _step(
        self,
        function: Callable[[Task], tuple[Tensor, Tree]],
        chunk: Task,
        parameters: dict[str, nn.Parameter],
        module: nn.Module | None,
        workspace: Workspace,
    ) -> tuple[list[Tensor], Tree]:
        """The gradients of the summed surrogates of a chunk, and its report."""

        def step(chunk: Task) -> tuple[list[Tensor], Tree]:
            with torch.enable_grad():
                surrogate, report = self._run(function, chunk)
                if not surrogate.requires_grad:
                    _demand((None,) * len(parameters), parameters)
                found = torch.autograd.grad(surrogate.sum(), list(parameters.values()), allow_unused=True)
            return _demand(found, parameters), pytree.tree_map(Tensor.detach, report)

        if self.graph == "eager":
            return step(chunk)
        if module is None:
            raise ConfigurationError("A captured mapping needs the module whose parameters it reads; got none.")
        return workspace.graphs.replay(step, chunk, module, self.way, self.graph == "compiled")

    def _chunks(self, tasks: Task) -> Iterator[Task]:
        count = number_of_tasks(tasks)
        size = (self.chunk or count) if self.vectorise else 1
        if size >= count:
            begin_chunk(0)
            yield tasks
            return
        for start in range(0, count, size):
            begin_chunk(start)
            yield take(tasks, slice(start, start + size))

    def _run(self, function: Callable[[Task], Tree], chunk: Task) -> Tree:
        with vectorised(self.vectorise):
            if self.vectorise:
                return torch.func.vmap(function, randomness="different")(chunk)
            task = take(chunk, 0)
            found = function(with_channels_last(task) if self.channels_last else task)
            return pytree.tree_map(lambda leaf: leaf[None], found)


class _HandOut(torch.autograd.Function):
    # Gives a value the gradient that was computed with it: the mean over `count` tasks of what `total` sums up.

    @staticmethod
    def forward(ctx: Any, value: Tensor, total: list[Tensor], count: int, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(*total)
        ctx.count = count
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        # one call for all of them: on a small network the calls are what takes time
        return None, None, None, *torch._foreach_mul(list(ctx.saved_tensors), weight / ctx.count)


def _stack(chunks: list[Tree]) -> Tree:
    return chunks[0] if len(chunks) == 1 else pytree.tree_map(lambda *leaves: torch.cat(leaves), *chunks)


def _demand(found: tuple[Tensor | None, ...], parameters: dict[str, nn.Parameter]) -> list[Tensor]:
    missing = [name for name, gradient in zip(parameters, found, strict=True) if gradient is None]
    if missing:
        raise TrainingError(
            f"No meta-gradient reaches {', '.join(missing)}: the query loss does not depend on it. "
            "Freeze it with requires_grad_(False), or use it in the network's forward."
        )
    return [gradient for gradient in found if gradient is not None]
