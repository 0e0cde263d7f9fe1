"""The trivial predictor: what one says without looking at the inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.learner import Learner
from innerloop.task import Examples, Tree
from innerloop.ways import demand_same_ways


class ConstantState(NamedTuple):
    """Sum and count of the targets seen.

    Attributes:
        total: sum of the targets (of the one-hot labels in classification).
        rows: how many there were.
        ways: number of classes; None in regression.
    """

    total: Tensor
    rows: Tensor
    ways: int | None


class Constant(Learner):
    """Predicts the mean of the support targets; in classification, the frequencies of the classes.

    With as many shots for every class that is chance; in regression it is the line to beat.
    """

    family = "trivial"
    state_type = ConstantState

    def adapt(self, support: Examples, state: ConstantState | None = None) -> ConstantState:
        """Sums up the targets; goes on from `state` if there is one.

        Raises:
            DataError: if `state` is of a task with another number of classes.
        """
        demand_same_ways(support, state)
        y = support.y if support.ways is None else F.one_hot(support.y, support.ways).float()
        weight = support.mask.to(y.dtype).view(-1, *([1] * (y.ndim - 1)))
        total, seen = (y * weight).sum(0), support.mask.sum()
        if state is not None:
            total, seen = total + state.total, seen + state.rows
        return ConstantState(total, seen, support.ways)

    def predict(self, state: ConstantState, x: Tree, mask: Tensor | None = None) -> Any:
        """The same for every input: `(N, ways)` log frequencies, or the mean target."""
        rows = pytree.tree_leaves(x)[0].shape[0]
        mean = state.total / state.rows
        if state.ways is not None:
            mean = torch.log(mean.clamp(min=1e-6))
        return mean.expand(rows, *mean.shape)
