"""Closed-form linear rivals for tables: one regression for all tasks, and one per task that leans towards it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from innerloop.demands import positive
from innerloop.errors import DataError
from innerloop.learner import Learner
from innerloop.task import Examples, Task, Tree
from innerloop.ways import cut_to_ways, demand_same_ways


class PooledRidgeState(NamedTuple):
    """There is nothing to learn of a task but its number of classes.

    Attributes:
        ways: number of classes; None in regression.
    """

    ways: int | None


class PooledRidge(Learner):
    """One ridge regression over the rows of all training tasks; it does not look at the support set.

        min_{w, b}  1/R Σ_r |y_r - x_r w - b|² + penalty |w|²

    Labels of classes that mean the same in every task are regressed as one-hot rows.

    Args:
        inputs: numbers in an example; inputs of any shape are flattened.
        outputs: numbers in a target, or classes.
        penalty: choose it on validation tasks. The intercept has none.

    Attributes:
        coefficients: `(inputs + 1, outputs)`, the intercept last; zero until `solve` has seen tasks.

    Source: Hoerl and Kennard 1970, "Ridge regression", equation 2.1.

    >>> x = torch.tensor([[-1.0], [1.0]])
    >>> rows = Examples(x, 2 * x + 3)
    >>> learner = PooledRidge(1, 1, penalty=1e-6)
    >>> learner.solve(Task(rows, rows).map(lambda leaf: leaf[None]))
    >>> learner.coefficients.flatten()
    tensor([2.0000, 3.0000])
    """

    family = "transfer"
    state_type: Callable[..., Any] = PooledRidgeState
    coefficients: Tensor

    def __init__(self, inputs: int, outputs: int, *, penalty: float = 0.1):
        super().__init__()
        self.name = "Pooled ridge"
        self.penalty = positive("penalty=", penalty, 0.1)
        self.register_buffer("coefficients", torch.zeros(inputs + 1, outputs))

    def solve(self, tasks: Task) -> None:
        """Fits the coefficients to the support and query rows of stacked tasks.

        Raises:
            DataError: if the rows do not have as many inputs and outputs as this learner.
        """
        parts = [part.map(lambda leaf: leaf.flatten(0, 1)) for part in (tasks.support, tasks.query)]
        (gram, moment), (more, further) = (self._sums(rows) for rows in parts)
        gram, moment = gram + more, moment + further
        # the last entry of the Gram matrix counts the rows
        penalties = self.penalty * gram[-1, -1] * self._slopes(gram)
        self.coefficients.copy_(torch.linalg.solve(gram + torch.diag(penalties), moment))

    def adapt(self, support: Examples, state: Any = None) -> Any:
        """Nothing is learned from the support set."""
        return PooledRidgeState(support.ways)

    def predict(self, state: Any, x: Tree, mask: Tensor | None = None) -> Any:
        """`x w + b` for inputs `(N, ...)`."""
        return cut_to_ways((_design(x, None) @ self._coefficients(state)).to(x.dtype), state.ways)

    def _coefficients(self, state: Any) -> Tensor:
        return _exactly(self.coefficients)

    def _sums(self, rows: Examples) -> tuple[Tensor, Tensor]:
        """`X'X` and `X'Y` of the rows that count, with a column of ones."""
        x = _design(rows.x, rows.mask)
        expected = tuple(self.coefficients.shape)
        y = _targets(rows, expected[1])
        if (x.shape[1], y.shape[1]) != expected:
            raise DataError(
                f"{self.name} was made for {expected[0] - 1} inputs and {expected[1]} outputs; got rows with "
                f"{x.shape[1] - 1} and {y.shape[1]}. Make it with inputs= and outputs= that fit."
            )
        return x.T @ x, x.T @ y

    def _slopes(self, like: Tensor) -> Tensor:
        """1 for every slope, 0 for the intercept."""
        slopes = like.new_ones(len(self.coefficients))
        slopes[-1] = 0
        return slopes


class ShrunkRidgeState(NamedTuple):
    """What a task's rows add up to; more rows are simply added.

    Attributes:
        gram: `(D + 1, D + 1)`, `X'X` with a column of ones.
        moment: `(D + 1, outputs)`, `X'Y`.
        coefficients: `(D + 1, outputs)`, the task's own.
        ways: number of classes; None in regression.
    """

    gram: Tensor
    moment: Tensor
    coefficients: Tensor
    ways: int | None


class ShrunkRidge(PooledRidge):
    """A ridge regression for each task, shrunk towards the pooled one.

        w_i = w + (X_i'X_i + Λ)^-1 X_i'(Y_i - X_i w),   Λ = diag(slopes, ..., slopes, intercept)

    Each task is a line of its own around the pooled line: with penalties that are the noise's variance over the
    variances of slopes and intercepts between tasks, this is the posterior mean of a linear mixed model. With large
    `slopes` only the level of a task is learned.

    Args:
        inputs: numbers in an example; inputs of any shape are flattened.
        outputs: numbers in a target, or classes.
        penalty: of the pooled regression.
        slopes: penalty of a task's deviations in the slopes; choose it on validation tasks.
        intercept: the same for the intercept.

    Attributes:
        coefficients: `(inputs + 1, outputs)` of the pooled regression; zero until `solve` has seen tasks.

    Source: Laird and Ware 1982, "Random-effects models for longitudinal data", equation 3.2.
    """

    state_type = ShrunkRidgeState

    def __init__(
        self, inputs: int, outputs: int, *, penalty: float = 0.1, slopes: float = 10.0, intercept: float = 1.0
    ):
        super().__init__(inputs, outputs, penalty=penalty)
        self.name = "Shrunk ridge"
        self.slopes, self.intercept = positive("slopes=", slopes, 10.0), positive("intercept=", intercept, 1.0)

    def adapt(self, support: Examples, state: ShrunkRidgeState | None = None) -> ShrunkRidgeState:
        """Solves for the task's coefficients, with the rows of `state` if there is one.

        Raises:
            DataError: if the rows do not fit, or `state` is of a task with another number of classes.
        """
        demand_same_ways(support, state)
        gram, moment = self._sums(support)
        if state is not None:
            gram, moment = gram + state.gram, moment + state.moment
        slopes = self._slopes(gram)
        pull = torch.diag(self.slopes * slopes + self.intercept * (1 - slopes))
        pooled = _exactly(self.coefficients)
        away = torch.linalg.solve(gram + pull, moment - gram @ pooled)
        return ShrunkRidgeState(gram, moment, pooled + away, support.ways)

    def _coefficients(self, state: Any) -> Tensor:
        coefficients: Tensor = state.coefficients
        return coefficients


def _exactly(x: Tensor) -> Tensor:
    # correlated columns make a Gram matrix that float32 cannot solve
    return x if x.device.type == "mps" else x.double()


def _design(x: Tensor, mask: Tensor | None) -> Tensor:
    rows = torch.flatten(x, 1)
    rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
    return _exactly(rows if mask is None else torch.where(mask[:, None], rows, 0))


def _targets(rows: Examples, outputs: int) -> Tensor:
    y = rows.y
    if rows.ways is not None:
        # not F.one_hot, which looks at the labels' values; more classes than outputs are an error further on
        y = (y[:, None] == torch.arange(max(outputs, rows.ways), device=y.device)).to(torch.float32)
    return _exactly(torch.where(rows.mask[:, None], torch.flatten(y, 1), 0))
