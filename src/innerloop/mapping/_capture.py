"""A step as a graph of tensor operations: recorded once with `make_fx`, replayed from then on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from innerloop.mapping._buffers import untouched
from innerloop.mapping._fallback import NotCapturedError
from innerloop.mapping._key import Settings, surroundings
from innerloop.mapping._launch import Launch, held_by, strays
from innerloop.mapping._tidy import tidy
from innerloop.task import Task, Tree

KEPT = 8
"""Graphs that a learner keeps: the shapes of training and of a last smaller chunk, with room to spare."""

WASTED = 8
"""Graphs in a row that were captured and hardly replayed, after which capturing is given up."""

SECONDS = 120.0
"""The longest that capturing may take. An implicit learner of hundreds of steps takes minutes."""

_log = logging.getLogger("innerloop.mapping")

Step = Callable[[Task], tuple[list[Tensor], Tree]]


_IGNORED = frozenset({"mapping", "name", "spec", "_workspace"})
"""Attributes of a learner that its steps do not read."""


@dataclass
class _Captured:
    how: Any
    settings: Settings
    run: Callable[..., Any] = field(init=False)
    outputs: pytree.TreeSpec = field(init=False)
    uses: int = 0


class Graphs:
    """The captured graphs of one learner, the most recently used first.

    Attributes:
        seconds: the longest that capturing a graph may take.
        captures: how many graphs have been captured so far.
    """

    def __init__(self) -> None:
        self.seconds = SECONDS
        self.captures = 0
        self._kept: list[_Captured] = []
        self._wasted = 0

    def only(self, how: Any) -> None:
        """Forgets the graphs that were made in other ways, with the memory that they hold on a GPU."""
        self._kept = [graph for graph in self._kept if graph.how[0] == how]

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """While it lasts, capturing may take no longer than this."""
        before, self.seconds = self.seconds, min(self.seconds, seconds)
        try:
            yield
        finally:
            self.seconds = before

    def replay(self, step: Step, tasks: Task, module: nn.Module, how: Any, compiled: bool) -> tuple[list[Tensor], Tree]:
        """`step(tasks)` from its graph, which is captured now if there is none for this state of things.

        All that the module registers (trained and frozen parameters, buffers) and all tensors of the tasks are inputs
        of the graph. It is captured anew for other shapes, types or devices of these, another training flag, and any
        other change in what `Settings` sees.

        Args:
            step: from tasks to gradients and a report, without side effects.
            tasks: a chunk of tasks.
            module: holds all that `step` reads besides.
            how: whatever else the graph depends on.
            compiled: compile the graph.

        Raises:
            NotCapturedError: if it takes too long, does not compile, or if the settings change all the time.
        """
        leaves, structure = pytree.tree_flatten(tasks)
        how = (how, surroundings(), structure, [(leaf.shape, leaf.dtype, leaf.device) for leaf in leaves])
        found = next((graph for graph in self._kept if graph.how == how and graph.settings.untouched()), None)
        if found is None:
            now = Settings(module, _IGNORED)
            found = next((graph for graph in self._kept if graph.how == how and graph.settings == now), None)
            if found is not None:
                found.settings = now
            else:
                found = self._capture(step, leaves, structure, module, _Captured(how, now), compiled)
        if found is not self._kept[0]:
            self._kept.remove(found)
            self._kept.insert(0, found)
        found.uses += 1
        if found.uses == 2:
            self._wasted = 0
        inputs = [tensor.detach() for tensor in [*found.settings.registered, *leaves]]
        with torch.no_grad():
            if isinstance(found.run, Launch) and found.run.moved(inputs):
                with untouched(module):
                    found.run.record(inputs)
            flat = found.run(*inputs)
        gradients, report = pytree.tree_unflatten(list(flat), found.outputs)
        return gradients, report

    def _capture(
        self,
        step: Step,
        leaves: list[Tensor],
        structure: pytree.TreeSpec,
        module: nn.Module,
        captured: _Captured,
        compiled: bool,
    ) -> _Captured:
        if self._wasted >= WASTED:
            raise NotCapturedError(
                f"the last {WASTED} graphs were not used again, so something changes at every step; a setting that "
                "changes during training is best a buffer"
            )
        own = len(captured.settings.registered)
        # the same tensor twice among the tasks would become one input: every leaf gets a face of its own
        inputs = [*captured.settings.registered, *(leaf.detach() for leaf in leaves)]

        def flat(*inputs: Tensor) -> list[Tensor]:
            # The module's own tensors are recognised by their identity when the step reads them: no need to swap.
            with _Deadline(self.seconds):
                outputs = step(pytree.tree_unflatten(list(inputs[own:]), structure))
            found, captured.outputs = pytree.tree_flatten(outputs)
            return found

        # capturing runs the step once: what it writes and draws is written and drawn by the replay that follows
        with untouched(module), torch.autograd.set_multithreading_enabled(False):
            graph = make_fx(flat)(*inputs)
            there = any(tensor.is_cuda for tensor in inputs)
            elsewhere = strays(graph, "cuda") if there else []
            graph = tidy(graph)
            captured.run = _compiled(graph, inputs) if compiled else graph.forward
            if elsewhere:
                _log.warning("a captured step cannot be one CUDA graph (%s is on the CPU)", elsewhere[0])
            elif there:
                captured.run = _launched(captured.run, inputs, own, held_by(graph))
        self.captures += 1
        self._wasted += 1
        self._kept = [captured, *self._kept[: KEPT - 1]]
        return captured


def _compiled(graph: GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
    try:
        from torch import _inductor  # takes a second to import

        # Not torch.compile: it would look in every step whether inputs have changed, which is known here already. The
        # same draws as without a compiler, so that dropout agrees between the mappings.
        with torch.no_grad():
            constants: list[Any] = [tensor.detach() for tensor in inputs]
            run: Callable[..., Any] = _inductor.compile(graph, constants, options={"fallback_random": True})
            run(*constants)
    except Exception as error:
        said = str(error).strip().splitlines() or [""]
        raise NotCapturedError(f"it does not compile ({type(error).__name__}: {said[0][:120]})") from error
    return run


def _launched(run: Callable[..., Any], inputs: list[Tensor], own: int, held: list[Tensor]) -> Callable[..., Any]:
    try:
        with torch.no_grad():
            return Launch(run, [tensor.detach() for tensor in inputs], own, held)
    except RuntimeError as error:  # something in it waits for the GPU: its operations are started one by one then
        _log.warning("a captured step cannot be one CUDA graph (%s)", str(error).strip().partition("\n")[0][:160])
        return run


class _Deadline(TorchDispatchMode):
    # stops a recording that takes too long at its next operation
    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self.end = seconds, time.monotonic() + seconds

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if time.monotonic() > self.end:
            raise NotCapturedError(f"capturing takes longer than {self.seconds:.2g} s")
        return function(*args, **(kwargs or {}))
