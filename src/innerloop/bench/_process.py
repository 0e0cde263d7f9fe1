"""Memory of the process that asks."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path

import torch


def resident_megabytes() -> float:
    """Resident memory now."""
    return _status("VmRSS")


def peak_megabytes() -> float:
    """The most resident memory there was since the start, or since `forget_peak`.

    Not `getrusage`: its maximum is inherited from the process that started this one.
    """
    return _status("VmHWM")


def forget_peak() -> None:
    """Sets the peak to what is resident now, where the system allows that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def live_tensors() -> int:
    """How many tensors Python holds."""
    gc.collect()
    # `type` and not `isinstance`: some objects of torch import things when they are asked for their class
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def _status(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")  # no Linux: nothing is said about memory
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
