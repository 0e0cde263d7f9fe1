"""What needs no network, by name: closed forms and the trivial predictor."""

from __future__ import annotations

from typing import Any

import torch

from innerloop.errors import ConfigurationError
from innerloop.methods._named import named
from innerloop.task import Source, Task
from innerloop.transfer import Constant, GaussianProcess, PooledRidge, ShrunkRidge


def _sizes(learner: PooledRidge) -> dict[str, Any]:
    inputs, outputs = learner.coefficients.shape
    return {"inputs": inputs - 1, "outputs": outputs}


@named("Pooled ridge", settled=_sizes)
def pooled_ridge(
    source: Source | None = None,
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

    Raises:
        ConfigurationError: without a source and without sizes, or if the penalty is not positive.

    Source: Hoerl and Kennard 1970, "Ridge regression".

    >>> pooled_ridge(inputs=2, outputs=1).coefficients.shape
    torch.Size([3, 1])
    """
    batch, inputs, outputs = _read(source, tasks, inputs, outputs)
    learner = PooledRidge(inputs, outputs, penalty=penalty)
    if batch is not None:
        learner.solve(batch)
    return learner


@named("Shrunk ridge", settled=_sizes)
def shrunk_ridge(
    source: Source | None = None,
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

    Raises:
        ConfigurationError: without a source and without sizes, or for costs that are not positive.

    Source: Laird and Ware 1982, "Random-effects models for longitudinal data".

    >>> shrunk_ridge(inputs=2, outputs=1, slopes=3.0).slopes
    3.0
    """
    batch, inputs, outputs = _read(source, tasks, inputs, outputs)
    learner = ShrunkRidge(inputs, outputs, penalty=penalty, slopes=slopes, intercept=intercept)
    if batch is not None:
        learner.solve(batch)
    return learner


@named("Exact posterior")
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

        mean = k' (K + σ² I)^-1 y,   variance = k(x, x) - k' (K + σ² I)^-1 k + σ²

    Args:
        kernel: "rbf", "matern" or "periodic".
        length: of the kernel.
        scale: standard deviation of the function.
        period: of the periodic kernel.
        noise: standard deviation of the observation noise.
        known: read length, scale and period from the last three input columns of a task.

    Raises:
        ConfigurationError: for an unknown kernel, or numbers that are not positive.

    Source: Rasmussen and Williams 2006, algorithm 2.1.

    >>> gaussian_process(kernel="matern").spec["arguments"]["kernel"]
    'matern'
    """
    return GaussianProcess(kernel, length=length, scale=scale, period=period, noise=noise, known=known)


@named("Trivial predictor")
def constant() -> Constant:
    """The trivial predictor: class frequencies, or the mean target, of the support set.

        prediction = 1/N Σ_i y_i,   with one-hot labels for classes

    >>> constant().name
    'Trivial predictor'
    """
    return Constant()


def _read(source: Source | None, tasks: int, inputs: int | None, outputs: int | None) -> tuple[Task | None, int, int]:
    """The tasks of a source stacked, and the sizes of an example and of a target."""
    if source is not None:
        batch = source.batch(torch.arange(tasks))
        y = batch.support.y
        return batch, batch.support.x[0, 0].numel(), batch.ways or y[0, 0].numel()
    if inputs is None or outputs is None:
        raise ConfigurationError("Name the training split, or inputs= and outputs= for coefficients of zero.")
    return None, inputs, outputs
