"""What the machine can do at most, and what a step needs: the two sides of the achieved fraction."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from innerloop.bench._implementations import REFERENCE, build
from innerloop.bench._problem import first
from innerloop.bench._workloads import Workload

_SECONDS = 1.0


def peak_flops(device: str, *, small: bool = False) -> dict[str, float]:
    """Float32 operations a second of a matrix product and of a convolution in channels-last order, the best found.

    Args:
        device: where.
        small: with sizes that take a moment.
    """
    side = 128 if small else 8192 if device == "cuda" else 2048
    pictures = 8 if small else 4096 if device == "cuda" else 128
    a, b = torch.rand(side, side, device=device), torch.rand(side, side, device=device)
    x = torch.rand(pictures, 64, 14, 14, device=device).contiguous(memory_format=torch.channels_last)
    w = torch.rand(64, 64, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
    seconds = 0.05 if small else _SECONDS
    return {
        "matrix product": 2 * side**3 / _best(lambda: a @ b, device, seconds),
        "convolution": 2 * pictures * 64 * 64 * 9 * 14 * 14 / _best(lambda: F.conv2d(x, w, padding=1), device, seconds),
    }


def needed_flops(workload: Workload, device: str) -> int:
    """Operations of matrix products and convolutions in one step, counted in our loop on one task."""
    _, tasks, runner = build(REFERENCE, workload, device, torch.float32)
    step = runner(first(tasks, 1))
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops()) * workload.tasks


def synchronise(device: str) -> None:
    """Waits until the device has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def _best(work: Callable[[], Tensor], device: str, seconds: float) -> float:
    work()
    synchronise(device)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        synchronise(device)
        times.append(time.perf_counter() - start)
    return min(times)
