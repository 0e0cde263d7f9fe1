"""Finding the other processes."""

from __future__ import annotations

import atexit
import gc
import os
from importlib import import_module

import torch
import torch.distributed as dist
from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.modules import device_of
from innerloop.outer._group import Alone, Group
from innerloop.outer._ranks import Ranks

_LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def is_main_process() -> bool:
    """Whether this process is the one that writes files and prints: rank 0, or the only one.

    >>> is_main_process()
    True
    """
    joined = dist.is_available() and dist.is_initialized()
    return dist.get_rank() == 0 if joined else os.environ.get("RANK", "0") == "0"


def join(module: nn.Module) -> Group:
    """The processes that torchrun (or whoever set its variables) started; one process without it.

    The backend follows the device of `module`: gloo on a CPU; NCCL on GPUs, where the module moves to the GPU that is
    this rank's. A group that exists already is taken as it is, and one made here lasts as long as the process.

    Raises:
        ConfigurationError: if the group that exists cannot talk on the learner's device.
    """
    launched = all(name in os.environ for name in _LAUNCHED) and int(os.environ["WORLD_SIZE"]) > 1
    if not dist.is_available() or not (launched or dist.is_initialized()):
        return Alone()
    device = device_of(module)
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        module.to(device)
    if not dist.is_initialized():
        _start("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cpu" and dist.get_backend() == "nccl":
        raise ConfigurationError(
            "The processes are joined by NCCL, which is for GPUs, and the learner is on the CPU. Move it to a GPU, or "
            'initialise the group with "gloo".'
        )
    return Ranks(device) if dist.get_world_size() > 1 else Alone()


def _start(backend: str) -> None:
    # Its functions take the group of the moment of import as a default argument. DistributedDataParallel imports it; if
    # that came later the group would outlive its end, and a thread of gloo that lets go of a tensor while Python shuts
    # down aborts the process.
    import_module("torch.distributed.nn.functional")
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, rank, world = next(rendezvous("env://"))
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        # torchrun's store outlives a restart of its processes, and with it the addresses of those that are gone
        store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    atexit.register(_end)


def _end() -> None:
    gc.collect()  # what is still in a cycle may hold the group
    dist.destroy_process_group()
