"""Logistic regression on frozen features."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.demands import positive
from innerloop.errors import DataError
from innerloop.network_learner import NetworkLearner
from innerloop.networks import NormCall, Statistics
from innerloop.task import Examples, Tree
from innerloop.transfer._logistic import logistic_regression


class LinearProbeState(NamedTuple):
    """A classifier, and the features that it was fitted to: more examples are added to them.

    Attributes:
        weight: `(W, D)`.
        bias: `(W,)`.
        features: `(N, D)` of the examples so far.
        labels: `(N,)`.
        mask: `(N,)` rows that count.
        ways: number of classes.
        statistics: of the first support set's norm layers (only with norm="support").
    """

    weight: Tensor
    bias: Tensor
    features: Tensor
    labels: Tensor
    mask: Tensor
    ways: int
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values


class LinearProbe(NetworkLearner):
    """Logistic regression with an L2 penalty on the features of a frozen network, fitted to convergence.

        min_{W, b}  Σ_i -log softmax(W z_i + b)[y_i] + penalty/2 |W|²,   z_i = f(x_i) / |f(x_i)|

    Any number of ways. Adapting from a state keeps the old examples' features and fits again; it may name more ways.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened. It is used as it is and never trained.
        penalty: choose it on validation tasks; 1 is the default of the source's own classifier.
        normalise: scale the features of an example to length 1, as the source does.

    Raises:
        ConfigurationError: if the penalty is not positive: separable classes have no minimum without one.

    Source: Tian et al. 2020, "Rethinking few-shot image classification: a good embedding is all you need?", section
    3.2.
    """

    family = "transfer"
    state_type = LinearProbeState

    def __init__(self, network: nn.Module, *, penalty: float = 1.0, normalise: bool = True):
        super().__init__(network, norm="running")
        self.normalise, self.penalty = normalise, positive("penalty=", penalty, 1.0)

    @property
    def on_averages(self) -> bool:
        """Whether norm layers use their running averages: a frozen network does in training, too."""
        return self.norm == "running"

    def adapt(self, support: Examples, state: LinearProbeState | None = None) -> LinearProbeState:
        """Fits the classifier to the support set, and to the examples of `state` if there is one.

        Raises:
            DataError: in regression, or if `state` has more classes than the support set.
        """
        if support.ways is None:
            raise DataError("Logistic regression needs classes; this task has none (ways is None). Use shrunk_ridge.")
        call = self.support_call(support, state)
        z, y, mask, ways = self.embed(support.x, call), support.y, support.mask, support.ways
        if state is not None:
            if ways < state.ways:
                raise DataError(
                    f"The state has {state.ways} classes; got a support set that names {ways}. Going on, a task may "
                    f"have more of them, not fewer: give it ways={state.ways}."
                )
            z = torch.cat([state.features, z])
            y, mask = torch.cat([state.labels, y]), torch.cat([state.mask, mask])
        weight, bias = logistic_regression(z, y, mask, ways, self.penalty)
        return LinearProbeState(weight, bias, z, y, mask, ways, call.kept)

    def predict_under(self, state: LinearProbeState, x: Tree, call: NormCall) -> Any:
        """Logits `(N, ways)` for inputs `(N, ...)`."""
        return F.linear(self.embed(x, call), state.weight, state.bias)

    def embed(self, x: Tree, call: NormCall) -> Tensor:
        """The features `(N, D)`, each example's of length 1 if the learner normalises them."""
        z = super().embed(x, call)
        return F.normalize(z, dim=1) if self.normalise else z
