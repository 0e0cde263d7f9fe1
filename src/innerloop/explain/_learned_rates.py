"""Inner rates that were learned: by layer and step, and the negative ones among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import Array, demand_steps
from innerloop.explain._words import share
from innerloop.gradient import LearnedRates, LSTMOptimiser, MetaCurvature
from innerloop.gradient._learned_rates import key
from innerloop.learner import Learner


@dataclass(frozen=True)
class Rate:
    """The rates of one parameter tensor in one step.

    Attributes:
        name: of the tensor in the network.
        step: number of the step, from 1; None: the same in every step.
        mean: over the tensor's rates.
        low: the smallest.
        high: the largest.
        negative: share of them below zero: there a step climbs.
        count: how many there are.
    """

    name: str
    step: int | None
    mean: float
    low: float
    high: float
    negative: float
    count: int


@dataclass(frozen=True)
class Rates(Analysis):
    """Learned inner rates.

    Attributes:
        rates: by tensor and step.
        start: where every rate started.
        negative: share of all rates below zero.
        kind: "rates", or "curvature": then the numbers are eigenvalues of the matrix that multiplies the gradient.
    """

    rates: list[Rate]
    start: float
    negative: float
    kind: str

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError("no rates")

    @property
    def sentences(self) -> list[str]:
        """The largest and smallest rates, and how many are negative."""
        what = "learned rates" if self.kind == "rates" else "eigenvalues of the learned transform of the gradient"
        most, least = (pick(self.rates, key=lambda rate: rate.mean) for pick in (max, min))
        where = [f"{rate.name}{'' if rate.step is None else f' in step {rate.step}'}" for rate in (most, least)]
        said = [
            f"The {what} began at {self.start:.3g}; the largest are those of {where[0]} (mean {most.mean:.3g}), the "
            f"smallest those of {where[1]} (mean {least.mean:.3g})."
        ]
        if self.negative > 0:
            said.append(f"{share(self.negative)} of them are negative: such a step climbs.")
        else:
            said.append("None of them is negative.")
        return said


def learned_rates(learner: Learner) -> Rates:
    """The inner rates that meta-training has found, where the learner learns them.

    Meta-SGD has one for every number, MAML++ one for every tensor and step. Meta-Curvature multiplies the gradient of
    a tensor by `M_out ⊗ M_in ⊗ M_f`: its fitting numbers are `rate · λ` over the eigenvalues λ of that matrix, of
    which the real parts are reported.

    Args:
        learner: a gradient learner whose inner optimiser has learned rates.

    Raises:
        ConfigurationError: for a learner whose rates are not learned.

    Source: Li et al. 2017 (Meta-SGD); Antoniou et al. 2019, figure 2; Park and Oliva 2019 (Meta-Curvature).
    """
    found = demand_steps(learner, "it has no inner rates")
    optimiser, names = found.optimiser, found.adapted_names
    rows: list[tuple[str, int | None, Array]] = []
    if isinstance(optimiser, LearnedRates):
        kind = "rates"
        for name in names:
            every = _numbers(optimiser.rates[key(name)])
            steps: list[int | None] = [None] if optimiser.steps is None else list(range(1, optimiser.steps + 1))
            rows += list(zip([name] * len(steps), steps, every.reshape(len(steps), -1), strict=True))
    elif isinstance(optimiser, MetaCurvature):
        kind = "curvature"
        for name in names:
            axes = [m for place, m in optimiser.metric.items() if place.rpartition(":")[0] == key(name)]
            rows.append((name, None, optimiser.rate * _spectrum(axes).real))
    elif isinstance(optimiser, LSTMOptimiser):
        raise ConfigurationError(f"{learner.name} has no fixed rates: a recurrent network gives others in every task.")
    else:
        rate = getattr(optimiser, "rate", None)
        said = f"always {rate:g}" if isinstance(rate, float) else f"those of {type(optimiser).__name__}"
        raise ConfigurationError(f"The inner rates of {learner.name} are not learned: they are {said}.")
    whole = np.concatenate([numbers for _, _, numbers in rows])
    return Rates([_rate(*row) for row in rows], optimiser.rate, float((whole < 0).mean()), kind)


def _rate(name: str, step: int | None, numbers: Array) -> Rate:
    low, high, mean = float(numbers.min()), float(numbers.max()), float(numbers.mean())
    return Rate(name, step, mean, low, high, float((numbers < 0).mean()), len(numbers))


def _spectrum(axes: list[Tensor]) -> Array:
    """Eigenvalues of a Kronecker product: all products of the factors' eigenvalues."""
    every = np.ones(1, dtype=complex)
    for matrix in axes:
        every = np.outer(every, np.linalg.eigvals(_numbers(matrix))).ravel()
    return every


def _numbers(tensor: Tensor) -> Array:
    return tensor.detach().to(device="cpu", dtype=torch.float64).numpy()
