"""Logistic regression on frozen features."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.demands import positive
from innerloop.errors import DataError
from innerloop.learner import Learner
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall
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
    """

    weight: Tensor
    bias: Tensor
    features: Tensor
    labels: Tensor
    mask: Tensor
    ways: int


class LinearProbe(Learner):
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
        self._run = FunctionalNetwork(network, "running")
        super().__init__(None, "running" if self._run.has_norms else "none")
        self.network, self.normalise = network, normalise
        self.penalty = positive("penalty=", penalty, 1.0)

    def adapt(self, support: Examples, state: LinearProbeState | None = None) -> LinearProbeState:
        """Fits the classifier to the support set, and to the examples of `state` if there is one.

        Raises:
            DataError: in regression, or if `state` has more classes than the support set.
        """
        if support.ways is None:
            raise DataError("Logistic regression needs classes; this task has none (ways is None). Use shrunk_ridge.")
        z, y, mask, ways = self._embed(support.x, support.mask), support.y, support.mask, support.ways
        if state is not None:
            if ways < state.ways:
                raise DataError(
                    f"The state has {state.ways} classes; got a support set that names {ways}. Name all of the "
                    "state's, or adapt without the state."
                )
            z = torch.cat([state.features, z])
            y, mask = torch.cat([state.labels, y]), torch.cat([state.mask, mask])
        weight, bias = logistic_regression(z, y, mask, ways, self.penalty)
        return LinearProbeState(weight, bias, z, y, mask, ways)

    def predict(self, state: LinearProbeState, x: Tree, mask: Tensor | None = None) -> Any:
        """Logits `(N, ways)` for inputs `(N, ...)`."""
        return F.linear(self._embed(x, mask), state.weight, state.bias)

    def _embed(self, x: Tree, mask: Tensor | None) -> Tensor:
        call = NormCall(self.visible(mask), running=self.norm == "running")
        z = torch.flatten(self._run({}, x, call), 1)
        return F.normalize(z, dim=1) if self.normalise else z
