"""What processes that train together tell each other, behind one object.

The outer loop asks a `Group` and never how many processes it is: `Alone` is one, `Ranks` (in `_ranks.py`) are several.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.utils import _pytree as pytree

_T = TypeVar("_T")


class Group(ABC):
    """The processes that train one learner together.

    Attributes:
        rank: number of this process, from 0.
        world: how many there are.
    """

    rank = 0
    world = 1

    @property
    def leads(self) -> bool:
        """Rank 0 writes files, prints and decides."""
        return self.rank == 0

    @abstractmethod
    def share(self, indices: Tensor) -> Tensor:
        """The tasks of this rank; at least one, see `data_parallel`."""

    @abstractmethod
    def data_parallel(self, meta_loss: nn.Module, tasks: int) -> Callable[[int], Tensor]:
        """From the mean loss over this rank's share of `tasks` tasks to the mean loss over all of them.

        The gradient and the moves of running averages are those of all tasks, too.
        """

    @abstractmethod
    def together(self) -> AbstractContextManager[None]:
        """An error of one rank inside is raised by all of them, so that nobody waits for who is gone."""

    @abstractmethod
    def on_lead(self, function: Callable[[], _T]) -> _T:
        """What `function` returns on rank 0, the only one that calls it."""

    @abstractmethod
    def any(self, flag: bool) -> bool:
        """Whether `flag` is true on some rank."""

    @abstractmethod
    def gather(self, value: _T) -> list[_T]:
        """The values of all ranks, in their order."""

    def equalise(self, *holders: Any) -> None:
        """Gives all ranks the state of rank 0 in modules, optimisers, schedulers (None is passed over)."""
        present = [holder for holder in holders if holder is not None]
        states = self.on_lead(lambda: [_on_cpu(holder.state_dict()) for holder in present])
        for holder, state in zip(present, states, strict=True):
            if not self.leads:
                holder.load_state_dict(state)


class Alone(Group):
    """One process."""

    def share(self, indices: Tensor) -> Tensor:
        """All of them."""
        return indices

    def data_parallel(self, meta_loss: nn.Module, tasks: int) -> Callable[[int], Tensor]:
        """The meta-loss itself."""
        return meta_loss

    def together(self) -> AbstractContextManager[None]:
        """Nothing to agree on."""
        return nullcontext()

    def on_lead(self, function: Callable[[], _T]) -> _T:
        """Calls it."""
        return function()

    def any(self, flag: bool) -> bool:
        """The flag."""
        return flag

    def gather(self, value: _T) -> list[_T]:
        """The one value."""
        return [value]

    def equalise(self, *holders: Any) -> None:
        """One process is equal to itself."""


def _on_cpu(state: Any) -> Any:
    # a tensor that remembers a GPU of rank 0 would be unpacked onto that GPU by every rank
    return pytree.tree_map_only(Tensor, Tensor.cpu, state)
