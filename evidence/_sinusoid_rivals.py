"""What needs no meta-training on sinusoids: a Gaussian process, ridge regression, the mean, and the curve itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.evaluation import evaluate, interval
from innerloop.methods import constant
from innerloop.sources import Sinusoids

OUTSIDE = (5.0, 10.0)
"""Amplitudes beyond those of training, 0.1 to 5."""
Errors = np.ndarray[Any, Any]


def rivals(shots: int, tasks: int) -> list[dict[str, Any]]:
    """A row for each rival; what it has to choose is chosen among eight on validation tasks."""
    splits = Sinusoids(shots, shots)
    places = {"inside": splits.test, "outside": splits.test.with_(amplitude=OUTSIDE)}
    found = []
    for name, make, choices in (
        ("Gaussian process, squared exponential kernel", gaussian_process, np.geomspace(0.3, 5.0, 8)),
        ("Ridge regression on (sin x, cos x)", ridge, np.geomspace(1e-8, 1.0, 8)),
    ):
        errors = {float(c): float(make(splits.validation[0:tasks], float(c)).mean()) for c in choices}
        best = min(errors, key=lambda choice: errors[choice])
        row = {where: list(interval(make(source[0:tasks], best))) for where, source in places.items()}
        found.append({"name": name, "shots": shots, "chosen": best, **row})
    trivial = {where: [float(v) for v in evaluate(constant(), at, tasks).interval] for where, at in places.items()}
    exact = {where: list(interval(oracle(at, tasks))) for where, at in places.items()}
    return [
        *found,
        {"name": "Mean of the support targets", "shots": shots, "chosen": None, **trivial},
        {"name": "Oracle: knows amplitude and phase", "shots": shots, "chosen": None, **exact},
    ]


def gaussian_process(task: Any, length: float) -> Errors:
    """Squared error of each task for a process of unit scale per task and a jitter of 1e-6."""
    x, y, at = task.support.x.double(), task.support.y.double(), task.query.x.double()
    scale = y.square().mean(1, keepdim=True).clamp(min=1e-12)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return scale * torch.exp(-0.5 * ((a - b.mT) / length) ** 2)

    inside = kernel(x, x) + 1e-6 * scale * torch.eye(x.shape[1], dtype=x.dtype)
    return _squared(kernel(at, x) @ torch.linalg.solve(inside, y), task)


def ridge(task: Any, penalty: float) -> Errors:
    """Squared error of each task for ridge regression on the basis that spans the family."""

    def basis(x: Tensor) -> Tensor:
        return torch.cat([torch.sin(x), torch.cos(x)], -1).double()

    a, y = basis(task.support.x), task.support.y.double()
    weights = torch.linalg.solve(a.mT @ a + penalty * torch.eye(2, dtype=a.dtype), a.mT @ y)
    return _squared(basis(task.query.x) @ weights, task)


def oracle(source: Any, tasks: int) -> Errors:
    """Squared error of each task for the curve itself."""
    task, (amplitude, phase) = source[0:tasks], source.parameters(torch.arange(tasks))
    return _squared(amplitude[:, None, None] * torch.sin(task.query.x - phase[:, None, None]), task)


def _squared(predicted: Tensor, task: Any) -> Errors:
    return np.asarray((predicted - task.query.y).square().mean((1, 2)).numpy())
