"""How much memory a step takes, counted tensor by tensor."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from innerloop.task import Task, number_of_tasks

MB = 1_000_000


class PeakMemory(TorchDispatchMode):
    """While it lasts, counts the bytes of the tensors that are made and still alive.

    Attributes:
        now: bytes alive.
        peak: the most that there were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch in place of every operation."""
        result = function(*args, **(kwargs or {}))
        given: set[int] | None = None
        for tensor in pytree.tree_leaves(result):
            if not isinstance(tensor, Tensor):
                continue
            storage = tensor.untyped_storage()
            if storage in self._known:
                continue
            if given is None:
                given = {_address(leaf) for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
            if _address(tensor) in given:
                continue  # a view of something that was there before
            self._known.add(storage)
            size = storage.nbytes()
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._released, size)
        return result

    def _released(self, size: int) -> None:
        self.now -= size


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@dataclass(frozen=True)
class Need:
    """Bytes that a step takes: some for itself, and some for each task in flight."""

    fixed: int
    per_task: int

    def of(self, chunk: int) -> int:
        """Bytes of a step with so many tasks in flight."""
        return self.fixed + chunk * self.per_task

    def chunk(self, ceiling: int) -> int:
        """The most tasks in flight that a ceiling in bytes holds; 0 if not even one.

        >>> Need(fixed=100, per_task=30).chunk(200)
        3
        """
        return max(0, (ceiling - self.fixed) // max(1, self.per_task))


def memory_need(run: Callable[[int, Task], object], tasks: Task) -> Need:
    """What a step needs, from two small ones: with one and with two tasks in flight, of twice as many each.

    Counted are all tensors that are made in a step, from their making to their end: activations, what autograd saves,
    gradients and their sum over chunks. Not counted are the parameters and the tasks, which are there before, and what
    kernels take for themselves while they run.

    Args:
        run: runs a step, given the tasks in flight and the tasks.
        tasks: tasks of the shape to come, at least one.
    """
    peaks = []
    for chunk in (1, 2):
        index = torch.arange(2 * chunk, device=tasks.index.device) % number_of_tasks(tasks)
        few = tasks.map(lambda leaf, index=index: leaf[index])  # type: ignore[misc]
        with PeakMemory() as memory:
            run(chunk, few)
        peaks.append(memory.peak)
    one, two = peaks
    each = max(0, two - one)
    return Need(fixed=max(0, one - each), per_task=each)
