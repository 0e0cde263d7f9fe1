"""Curves drawn from Gaussian processes, the usual test bed of neural processes: the best prediction is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from innerloop.counter import bits, fold, normal, uniform
from innerloop.demands import at_least, positive
from innerloop.errors import ConfigurationError
from innerloop.kernels import Kernel, covariance
from innerloop.sources._base import Splits, TaskSource
from innerloop.task import Examples, Task

Range = tuple[float, float]

LEAST = 3
"""Fewest support points, and fewest query points, where their numbers are drawn (the published code of TNP)."""

_LENGTH, _SCALE, _PERIOD, _SUPPORT, _QUERY, _POINTS = range(6)


@dataclass(frozen=True, eq=False)
class CurveTasks(TaskSource):
    """Tasks `y = f(x) + ε` with `f ~ GP(0, k)`, `ε ~ N(0, noise^2)` and `x ~ U[-2, 2]`.

    A task has one sequence of points; the support set is its beginning and the query set what follows. So a task is
    the same function, at the same points, in whatever shape it is taken.

    Args:
        kernel: "rbf", "matern" (ν = 5/2) or "periodic".
        shots: support points.
        queries: query points.
        seed: another seed gives other tasks.
        split: "train", "validation" or "test".
        length: of the kernel; a pair is a range from which every task draws its own.
        scale: standard deviation of the function, or a range.
        period: of the periodic kernel, or a range.
        noise: standard deviation (not variance) of the noise, in support and query targets alike.
        points: the most points of a task, whose numbers of support and query points are then drawn anew in every task
            (and padded): N ~ U{3, ..., points - 4} and U{3, ..., points - N - 1}. None: `shots` and `queries`.
        known: inputs are `(x, length, scale, period)`, what an oracle knows; the tasks are the same.

    >>> CurveTasks(shots=10)[0].support.x.shape
    torch.Size([10, 1])
    """

    kernel: Kernel = "rbf"
    shots: int = 10
    queries: int = 20
    seed: int = 0
    split: str = "train"
    length: float | Range = 0.4
    scale: float | Range = 1.0
    period: float | Range = 0.5
    noise: float = 0.1
    points: int | None = None
    known: bool = False

    def __post_init__(self) -> None:
        if self.kernel not in get_args(Kernel):
            raise ConfigurationError(f"There is no kernel {self.kernel!r}; use one of {', '.join(get_args(Kernel))}.")
        for name in ("length", "scale", "period"):
            low, high = _range(getattr(self, name))
            if not 0 < low <= high < float("inf"):
                raise ConfigurationError(
                    f"{name}= must be a positive number or a range (low, high); got {(low, high)}. Try 0.5."
                )
        positive("noise=", self.noise, usual=0.1)  # without any, the covariance of near points has no factors
        at_least("shots", self.shots, 1)
        at_least("queries", self.queries, 1)
        if self.points is not None:
            at_least("points=", self.points, 2 * LEAST + 1, "None for as many as shots and queries say")

    def parameters(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Length, scale and period of the tasks, each `(T,)`: what an oracle would know."""
        keys = self.keys(indices)

        def drawn(stream: int, name: str) -> Tensor:
            low, high = _range(getattr(self, name))
            return low + (high - low) * uniform(keys, stream)

        return drawn(_LENGTH, "length"), drawn(_SCALE, "scale"), drawn(_PERIOD, "period")

    def sizes(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of support and of query points of the tasks, each `(T,)`."""
        keys = self.keys(indices)
        if self.points is None:
            return torch.full_like(keys, self.shots), torch.full_like(keys, self.queries)
        support = LEAST + bits(keys, _SUPPORT) % (self.points - 2 * LEAST)
        return support, LEAST + bits(keys, _QUERY) % (self.points - support - LEAST)

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""
        support, query = self.sizes(indices)
        most = self.shots + self.queries if self.points is None else self.points
        rows = (self.shots, self.queries) if self.points is None else (self.points - LEAST - 1,) * 2
        parameters = self.parameters(indices)
        x, y = self._curves(indices, parameters, most)
        if self.known:
            x = torch.cat([x, torch.stack(parameters, -1)[:, None].expand(-1, most, -1)], dim=-1)

        def part(start: Tensor, count: Tensor, rows: int) -> Examples:
            place = torch.arange(rows)
            at = (start[:, None] + place).clamp(max=most - 1)[..., None]
            mask = place < count[:, None]
            return Examples(x.gather(1, at.expand(-1, -1, x.shape[-1])), y.gather(1, at), mask)

        return Task(part(torch.zeros_like(support), support, rows[0]), part(support, query, rows[1]), indices)

    def _curves(self, indices: Tensor, parameters: tuple[Tensor, ...], most: int) -> tuple[Tensor, Tensor]:
        """The points of the tasks, `(T, most, 1)` each."""
        keys = fold(self.keys(indices)[:, None], _POINTS, torch.arange(most))
        x = (-2 + 4 * uniform(keys, 0))[..., None]
        # double precision: close points make a covariance nearly singular
        wide = x.double()
        among = covariance(self.kernel, wide, wide, *(part.double() for part in parameters))
        factor = torch.linalg.cholesky(among + self.noise**2 * torch.eye(most, dtype=torch.float64))
        # not a matrix product, whose last bits depend on how many tasks there are
        return x, (factor * normal(keys, 1).double()[:, None]).sum(-1, keepdim=True).float()

    def describe(self) -> dict[str, Any]:
        """Name, kernel, split, shape and seed of the tasks."""
        drawn = None if self.points is None else f"{LEAST} to {self.points - LEAST - 1}"
        return {
            "name": "curves",
            "kernel": self.kernel,
            "split": self.split,
            "shots": drawn or self.shots,
            "queries": drawn or self.queries,
            "seed": self.seed,
            **{name: list(_range(getattr(self, name))) for name in ("length", "scale", "period")},
            "noise": self.noise,
        }


class GPCurves(Splits):
    """Curves from Gaussian processes in three splits.

    Lengths, scale and noise are fixed; `GPCurves.tnp(kernel)` draws them anew in every task. The length 0.4 and the
    scale 1 are those of the published code of conditional neural processes; a noise of 0.1 is a choice.

    >>> GPCurves("matern", shots=5).test.describe()["kernel"]
    'matern'
    """

    def __init__(
        self,
        kernel: Kernel = "rbf",
        shots: int = 10,
        queries: int = 20,
        seed: int = 0,
        *,
        length: float | Range = 0.4,
        scale: float | Range = 1.0,
        period: float | Range = 0.5,
        noise: float = 0.1,
        points: int | None = None,
    ):
        super().__init__(
            *(
                CurveTasks(kernel, shots, queries, seed, split, length, scale, period, noise, points)
                for split in ("train", "validation", "test")
            )
        )

    @classmethod
    def tnp(
        cls, kernel: Kernel = "rbf", shots: int = 10, queries: int = 20, seed: int = 0, *, points: int | None = 50
    ) -> GPCurves:
        """The protocol of transformer neural processes: kernels and numbers of points drawn anew in every task.

        `l ~ U[0.1, 0.6]`, `s ~ U[0.1, 1]`, `p ~ U[0.1, 0.5]`, noise of standard deviation 0.02. There the numbers of
        points are drawn for a batch of tasks, here for every task.

        Source: Nguyen and Grover 2022, "Transformer neural processes", section 4.1, and its published code.

        >>> GPCurves.tnp().train[0].support.x.shape
        torch.Size([46, 1])
        """
        drawn: dict[str, Any] = {"length": (0.1, 0.6), "scale": (0.1, 1.0), "period": (0.1, 0.5)}
        return cls(kernel, shots, queries, seed, noise=0.02, points=points, **drawn)


def _range(value: float | Range) -> Range:
    return value if isinstance(value, tuple) else (value, value)
