"""The exact posterior of a Gaussian process whose kernel is known: what no learner can beat."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from innerloop.demands import positive
from innerloop.errors import DataError
from innerloop.kernels import Kernel, covariance
from innerloop.learner import Learner
from innerloop.losses import Gaussian, gaussian_nll
from innerloop.task import Examples


class GaussianProcessState(NamedTuple):
    """The support set and the factors that predictions need.

    Attributes:
        x: `(N, D)`.
        y: `(N, O)`.
        mask: `(N,)` False where a row is padding.
        factor: `(N, N)` Cholesky factor L of `K + noise^2 I`.
        weights: `(N, O)` `(L L')^-1 y`.
        parameters: `(3,)` length, scale and period.
    """

    x: Tensor
    y: Tensor
    mask: Tensor
    factor: Tensor
    weights: Tensor
    parameters: Tensor


class GaussianProcess(Learner):
    """Posterior of a Gaussian process with a known kernel and noise, in closed form; there is nothing to train.

        m(x) = k(x)' (K + σ^2 I)^-1 y,   v(x) = k(x, x) - k(x)' (K + σ^2 I)^-1 k(x) + σ^2

    On tasks that were drawn from it no prediction has a higher expected log-density at a point. The variance is that
    of an observation, noise included. More examples are appended, and the factor is computed anew.

    Args:
        kernel: "rbf", "matern" (ν = 5/2) or "periodic".
        length: of the kernel.
        scale: standard deviation of the function.
        period: of the periodic kernel.
        noise: standard deviation (not variance) of the observation noise.
        known: the inputs are `(x, length, scale, period)`, with the task's own parameters in the last three columns
            (`source.test.with_(known=True)` of `innerloop.sources.GPCurves`); those given here are not looked at.

    Source: Rasmussen and Williams 2006, "Gaussian processes for machine learning", algorithm 2.1.
    """

    family = "oracle"
    state_type = GaussianProcessState

    def __init__(
        self,
        kernel: Kernel = "rbf",
        *,
        length: float = 0.4,
        scale: float = 1.0,
        period: float = 0.5,
        noise: float = 0.1,
        known: bool = False,
    ):
        super().__init__(gaussian_nll)
        positive("length=", length, 0.4)
        positive("scale=", scale, 1.0)
        positive("period=", period, 0.5)
        positive("noise=", noise, 0.1)
        self.kernel, self.noise, self.known = kernel, noise, known
        self.given = (length, scale, period)
        covariance(kernel, *(torch.zeros(1, 1),) * 2, *torch.ones(3))  # says so here if there is no such kernel

    def adapt(self, support: Examples, state: GaussianProcessState | None = None) -> GaussianProcessState:
        """Factorises the covariance of the support points, those of `state` among them.

        Raises:
            DataError: for classes, or inputs that are no rows of numbers.
        """
        if support.ways is not None or not isinstance(support.y, Tensor):
            raise DataError("A Gaussian process predicts numbers; this task has classes. Use a metric learner.")
        x, parameters = self._parts(support.x)
        y, mask = support.y.reshape(len(support), -1).to(x.dtype), support.mask
        y = torch.where(mask[:, None], y, 0)
        if state is not None:
            x, y, mask = (torch.cat(pair) for pair in ((state.x, x), (state.y, y), (state.mask, mask)))
            parameters = state.parameters
        both = mask[:, None] & mask
        among = torch.where(both, covariance(self.kernel, x, x, *parameters), 0)
        # a row of padding is a point by itself, of which nothing is known
        among = among + torch.diag(torch.where(mask, self.noise**2, 1.0).to(x.dtype))
        factor, _ = torch.linalg.cholesky_ex(among)  # unlike cholesky, it looks at no value
        weights = torch.cholesky_solve(y, factor)
        return GaussianProcessState(x, y, mask, factor, weights, parameters)

    def predict(self, state: GaussianProcessState, x: Any, mask: Tensor | None = None) -> Gaussian:
        """Means and variances `(Q, O)` for inputs `(Q, ...)`."""
        query, _ = self._parts(x)
        cross = covariance(self.kernel, state.x, query, *state.parameters)
        cross = torch.where(state.mask[:, None], cross, 0)
        explained = torch.linalg.solve_triangular(state.factor, cross, upper=False).square().sum(0)
        prior = state.parameters[1].square() + self.noise**2
        mean = cross.T @ state.weights
        variance = (prior - explained)[:, None].expand_as(mean)
        return Gaussian(mean.to(x.dtype), variance.to(x.dtype))

    def _parts(self, x: Any) -> tuple[Tensor, Tensor]:
        """Points `(N, D)` and the kernel's parameters `(3,)`, in double precision."""
        if not isinstance(x, Tensor):
            raise DataError(f"A Gaussian process takes one tensor of inputs (N, D); got {type(x).__name__}.")
        rows = x.reshape(x.shape[0], -1).double()
        if not self.known:
            return rows, rows.new_tensor(self.given)
        if rows.shape[1] < 4:
            raise DataError(f"known=True takes inputs (x, length, scale, period); got {rows.shape[1]} columns.")
        return rows[:, :-3], rows[0, -3:]
