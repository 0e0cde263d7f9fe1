"""Training by several processes: what they tell each other, behind one object.

`Alone` is one process; `Ranks` are those that torchrun started. The outer loop asks either the same questions and
never which of them it has.
"""

from __future__ import annotations

import atexit
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils import _pytree as pytree

from innerloop import errors
from innerloop.errors import TrainingError

_T = TypeVar("_T")
_LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def is_main_process() -> bool:
    """Whether this process is the one that writes files and prints: rank 0, or the only one.

    >>> is_main_process()
    True
    """
    return os.environ.get("RANK", "0") == "0"


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
            dist.all_reduce(flat)
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
        dist.broadcast_object_list(found, src=0)
        return cast(_T, found[0])

    def any(self, flag: bool) -> bool:
        """Asks all ranks."""
        asked = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(asked, dist.ReduceOp.MAX)
        return bool(asked)

    def gather(self, value: _T) -> list[_T]:
        """Pickles the values: they come from this program and from nowhere else."""
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return cast("list[_T]", found)


def join(module: nn.Module) -> Group:
    """The processes that torchrun (or whoever set its variables) started; one process without it.

    The backend follows the device of `module`: gloo on a CPU; NCCL on GPUs, where the module moves to the GPU that is
    this rank's. A group that exists already is taken as it is, and one made here lasts as long as the process.
    """
    launched = all(name in os.environ for name in _LAUNCHED) and int(os.environ["WORLD_SIZE"]) > 1
    if not dist.is_available() or not (launched or dist.is_initialized()):
        return Alone()
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        module.to(device)
    if not dist.is_initialized():
        _start("nccl" if device.type == "cuda" else "gloo")
    return Ranks(device) if dist.get_world_size() > 1 else Alone()


def _start(backend: str) -> None:
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, rank, world = next(rendezvous("env://"))
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        # torchrun's store outlives a restart of its processes, and with it the addresses of those that are gone
        store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    atexit.register(dist.destroy_process_group)


def _on_cpu(state: Any) -> Any:
    # a tensor that remembers a GPU of rank 0 would be unpacked onto that GPU by every rank
    return pytree.tree_map_only(Tensor, Tensor.cpu, state)
