"""What is random inside a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


class _Scope:
    # A plain object and not a ContextVar: Dynamo cannot trace those.
    seeds: Sequence[int] | None = None


_scope = _Scope()


@contextmanager
def seeded(seeds: Sequence[int]) -> Iterator[None]:
    """While it lasts, every chunk of tasks draws from a generator that starts at the seed of its first task.

    In a loop a chunk is one task: its dropout masks then depend on that task's seed alone, and not on the tasks beside
    it. Under `vmap` the tasks of a chunk draw from one generator.

    Args:
        seeds: one for each task of the batch to come.
    """
    before, _scope.seeds = _scope.seeds, seeds
    try:
        yield
    finally:
        _scope.seeds = before


def begin_chunk(first: int) -> None:
    """Called before a chunk whose first task is number `first` of its batch."""
    if _scope.seeds is not None:
        # torch.manual_seed looks for every kind of device each time, which shows in a loop over many tasks
        generator = torch if torch.accelerator.is_available() else torch.default_generator
        generator.manual_seed(_scope.seeds[first])
