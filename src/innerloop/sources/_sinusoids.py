"""Sinusoid regression, the first experiment of the MAML paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from innerloop.counter import fold, uniform
from innerloop.demands import at_least
from innerloop.sources._base import Splits, Supply, TaskSource
from innerloop.task import Examples, Task

AMPLITUDE = (0.1, 5.0)
"""The paper's range of amplitudes."""


@dataclass(frozen=True, eq=False)
class SinusoidTasks(TaskSource):
    """Tasks `y = A sin(x - p)` with `A ~ U[0.1, 5]`, `p ~ U[0, pi]`, `x ~ U[-5, 5]`, without noise.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning", section 5.1.

    Args:
        shots: support points.
        queries: query points.
        seed: another seed gives other tasks.
        split: "train", "validation" or "test".
        amplitude: range of A; others than the paper's serve to look outside of what was trained on.
        tasks: how many different curves there are, the first ones, which come up again and again with other points;
            None: no end of them.

    >>> SinusoidTasks(shots=10)[0].support.x.shape
    torch.Size([10, 1])
    """

    shots: int = 10
    queries: int = 10
    seed: int = 0
    split: str = "train"
    amplitude: tuple[float, float] = AMPLITUDE
    tasks: int | None = None

    def __post_init__(self) -> None:
        at_least("shots", self.shots, 1)
        at_least("queries", self.queries, 1)
        if self.tasks is not None:
            at_least("tasks", self.tasks, 1, "None for no end of them")

    def parameters(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitude and phase of the tasks, each `(T,)`: what an oracle would know."""
        if self.tasks is not None:
            indices = (uniform(self.keys(indices), 7, dtype=torch.float64) * self.tasks).long()
        keys, (low, high) = self.keys(indices), self.amplitude
        return low + (high - low) * uniform(keys, 0), torch.pi * uniform(keys, 1)

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        amplitude, phase = self.parameters(indices)
        keys = self.keys(indices)[:, None]

        def points(stream: int, count: int) -> Examples:
            x = -5 + 10 * uniform(fold(keys, stream, torch.arange(count)))
            y = amplitude[:, None] * torch.sin(x - phase[:, None])
            return Examples(x[..., None], y[..., None], torch.ones(x.shape, dtype=torch.bool))

        return Task(support=points(2, self.shots), query=points(3, self.queries), index=indices)

    def supply(self) -> Supply:
        """As many curves as there may be, with points without end."""
        return Supply("tasks", self.tasks, None)

    def describe(self) -> dict[str, Any]:
        """Name, split, shape and seed of the tasks."""
        names = ("split", "shots", "queries", "seed")
        other: dict[str, Any] = {} if self.amplitude == AMPLITUDE else {"amplitude": list(self.amplitude)}
        if self.tasks is not None:
            other["distinct"] = self.tasks
        return {"name": "sinusoids", **{name: getattr(self, name) for name in names}, **other}


class Sinusoids(Splits):
    """Sinusoid regression in three splits.

    >>> Sinusoids(shots=5).test.describe()["shots"]
    5
    """

    def __init__(self, shots: int = 10, queries: int = 10, seed: int = 0):
        super().__init__(*(SinusoidTasks(shots, queries, seed, split) for split in ("train", "validation", "test")))
