"""What needs no network, by name: closed forms and the trivial predictor."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.methods._named import named
from innerloop.task import Task
from innerloop.transfer import Constant, GaussianProcess, PooledRidge, ShrunkRidge


class Tasks(Protocol):
    """What the closed forms need of a task source."""

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""


def pooled_ridge(
    source: Tasks | None = None,
    *,
    penalty: float = 0.1,
    tasks: int = 500,
    inputs: int | None = None,
    outputs: int | None = None,
) -> PooledRidge:
    """One ridge regression over the rows of all training tasks, which does not look at the support set.

        min_{w, b}  1/R Σ_r |y_r - x_r w - b|² + penalty |w|²

    Args:
        source: the training split; None: coefficients of zero, to be loaded or solved for later.
        penalty: choose it on validation tasks, for instance with `innerloop.evaluation.select`.
        tasks: the first so many tasks of the source are read, support and query rows.
        inputs: numbers in an example; None: as in the source.
        outputs: numbers in a target, or classes; None: as in the source.

    Source: Hoerl and Kennard 1970, "Ridge regression".
    """
    batch, inputs, outputs = _read(source, tasks, inputs, outputs)
    learner = PooledRidge(inputs, outputs, penalty=penalty)
    if batch is not None:
        learner.solve(batch)
    arguments = {"penalty": penalty, "inputs": inputs, "outputs": outputs}
    return named(learner, "pooled_ridge", "Pooled ridge", {}, arguments)


def shrunk_ridge(
    source: Tasks | None = None,
    *,
    penalty: float = 0.1,
    slopes: float = 10.0,
    intercept: float = 1.0,
    tasks: int = 500,
    inputs: int | None = None,
    outputs: int | None = None,
) -> ShrunkRidge:
    """A ridge regression for each task, shrunk towards the pooled one: a linear mixed model in closed form.

        w_i = w + (X_i'X_i + Λ)^-1 X_i'(Y_i - X_i w)

    Args:
        source: the training split; None: pooled coefficients of zero, to be loaded or solved for later.
        penalty: of the pooled regression.
        slopes: how much a task's deviations in the slopes cost; choose it on validation tasks.
        intercept: the same for the intercept.
        tasks: the first so many tasks of the source are read, support and query rows.
        inputs: numbers in an example; None: as in the source.
        outputs: numbers in a target, or classes; None: as in the source.

    Source: Laird and Ware 1982, "Random-effects models for longitudinal data".
    """
    batch, inputs, outputs = _read(source, tasks, inputs, outputs)
    learner = ShrunkRidge(inputs, outputs, penalty=penalty, slopes=slopes, intercept=intercept)
    if batch is not None:
        learner.solve(batch)
    arguments = {"penalty": penalty, "slopes": slopes, "intercept": intercept, "inputs": inputs, "outputs": outputs}
    return named(learner, "shrunk_ridge", "Shrunk ridge", {}, arguments)


def gaussian_process(
    *,
    kernel: Any = "rbf",
    length: float = 0.4,
    scale: float = 1.0,
    period: float = 0.5,
    noise: float = 0.1,
    known: bool = False,
) -> GaussianProcess:
    """The exact posterior of a Gaussian process with a known kernel: what no learner can beat on its curves.

    Args:
        kernel: "rbf", "matern" or "periodic".
        length: of the kernel.
        scale: standard deviation of the function.
        period: of the periodic kernel.
        noise: standard deviation of the observation noise.
        known: read length, scale and period from the last three input columns of a task.

    Source: Rasmussen and Williams 2006, algorithm 2.1.
    """
    arguments = {"kernel": kernel, "length": length, "scale": scale, "period": period, "noise": noise, "known": known}
    return named(GaussianProcess(**arguments), "gaussian_process", "Exact posterior", {}, arguments)


def constant() -> Constant:
    """The trivial predictor: class frequencies, or the mean target, of the support set."""
    return named(Constant(), "constant", "Trivial predictor", {}, {})


def _read(source: Tasks | None, tasks: int, inputs: int | None, outputs: int | None) -> tuple[Task | None, int, int]:
    """The tasks of a source stacked, and the sizes of an example and of a target."""
    if source is not None:
        batch = source.batch(torch.arange(tasks))
        y = batch.support.y
        return batch, batch.support.x[0, 0].numel(), batch.ways or y[0, 0].numel()
    if inputs is None or outputs is None:
        raise ConfigurationError("Name the training split, or inputs= and outputs= for coefficients of zero.")
    return None, inputs, outputs
