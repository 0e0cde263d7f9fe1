"""Several processes, through `torch.distributed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from innerloop import errors
from innerloop.errors import TrainingError
from innerloop.outer._group import Group

_T = TypeVar("_T")


class Ranks(Group):
    """The processes of an initialised `torch.distributed` group.

    Args:
        device: where this rank trains.
    """

    def __init__(self, device: torch.device):
        self.rank, self.world, self.device = dist.get_rank(), dist.get_world_size(), device

    def share(self, indices: Tensor) -> Tensor:
        """Every `world`-th task, or the first one if there is none: it then counts with weight zero."""
        own = indices[self.rank :: self.world]
        return own if len(own) else indices[:1]

    def data_parallel(self, meta_loss: nn.Module, tasks: int) -> Callable[[int], Tensor]:
        """DistributedDataParallel, whose mean over ranks becomes a mean over tasks.

        L = Σ_r w_r L_r,   w_r = tasks of rank r / tasks
        """
        parallel = DistributedDataParallel(meta_loss)
        weight = len(range(self.rank, tasks, self.world)) / tasks
        buffers = [buffer for buffer in meta_loss.buffers() if buffer.is_floating_point()]

        def loss(step: int) -> Tensor:
            before = [buffer.clone() for buffer in buffers]
            with self.together():
                own = cast(Tensor, parallel(step))
            # Running averages move linearly with the statistics of tasks, so the moves are averaged as the losses are.
            moved = [buffer - old for buffer, old in zip(buffers, before, strict=True)]
            flat = torch.cat([weight * part.detach().double().flatten() for part in (own, *moved)])
            _tell(dist.all_reduce, flat)
            value, *moves = flat.split([1, *(old.numel() for old in before)])
            for buffer, old, move in zip(buffers, before, moves, strict=True):
                buffer.copy_(old + move.view_as(old))
            # the value of all ranks; the gradient of this one, of which DistributedDataParallel takes the mean
            return cast(Tensor, value[0].to(own) + self.world * weight * (own - own.detach()))

        return loss

    @contextmanager
    def together(self) -> Iterator[None]:
        """A rank with an error of its own raises that; the others raise the one of the first that has one."""
        own: Exception | None = None
        try:
            yield
        except Exception as error:
            own = error
        if not self.any(own is not None):
            return
        said = self.gather(None if own is None else (type(own).__name__, str(own)))
        if own is not None:
            raise own
        rank, (name, text) = next((rank, each) for rank, each in enumerate(said) if each is not None)
        kind = getattr(errors, name, None)
        if kind is None:
            raise TrainingError(f"Rank {rank} stopped: {name}: {text}")
        raise kind(f"Rank {rank}: {text}")

    def on_lead(self, function: Callable[[], _T]) -> _T:
        """Calls it on rank 0 and hands the result out; an error is raised by all."""
        found: list[Any] = [None]
        with self.together():
            if self.leads:
                found = [function()]
        _tell(dist.broadcast_object_list, found, 0)
        return cast(_T, found[0])

    def any(self, flag: bool) -> bool:
        """Asks all ranks."""
        asked = torch.tensor(float(flag), device=self.device)
        _tell(dist.all_reduce, asked, dist.ReduceOp.MAX)
        return bool(asked)

    def gather(self, value: _T) -> list[_T]:
        """Pickles the values: they come from this program and from nowhere else."""
        found: list[Any] = [None] * self.world
        _tell(dist.all_gather_object, found, value)
        return cast("list[_T]", found)


def _tell(collective: Callable[..., Any], *arguments: Any) -> None:
    try:
        collective(*arguments)
    except RuntimeError as error:
        raise TrainingError(
            "Lost contact with another process: it was killed, or the network failed. Go on from the last checkpoint "
            "with resume=True (--resume); torchrun --max-restarts does so by itself."
        ) from error
