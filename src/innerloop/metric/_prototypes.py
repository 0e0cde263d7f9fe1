"""Prototypes: a class is the mean of its support examples in an embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.errors import ConfigurationError, DataError
from innerloop.learner import Learner, Objective
from innerloop.losses import Loss
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall, Policy, Statistics
from innerloop.task import Examples, Task, Tree


def squared_euclidean(z: Tensor, prototypes: Tensor) -> Tensor:
    """`-|z - c|^2` for embeddings `(N, D)` and prototypes `(W, D)`: logits `(N, W)`."""
    return -(z[:, None] - prototypes[None]).square().sum(-1)


def cosine(z: Tensor, prototypes: Tensor, sharpness: float | Tensor = 10.0) -> Tensor:
    """`sharpness * cos(z, c)`: logits `(N, W)`.

    The sharpness turns similarities into logits and changes no decision; 10 is the learned scale's starting value in
    Gidaris and Komodakis 2018, "Dynamic few-shot visual learning without forgetting".
    """
    return sharpness * F.normalize(z, dim=-1) @ F.normalize(prototypes, dim=-1).T


_DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"euclidean": squared_euclidean, "cosine": cosine}


class PrototypeState(NamedTuple):
    """Sums and counts of the embedded support examples; more examples are simply added.

    Attributes:
        sums: `(W, D)`.
        counts: `(W,)`.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes.
    """

    sums: Tensor
    counts: Tensor
    statistics: Statistics
    ways: int


class Prototypes(Learner):
    """Prototypical networks: logits are negative distances to the class means of the support embeddings.

        c_k = mean_{y_i = k} f(x_i),   logits_k = -d(f(x), c_k)

    Any number of ways, and adapting from a state adds examples without reading the old ones again.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened to `(N, D)`.
        distance: "euclidean" (squared, as in the paper) or "cosine".
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Source: Snell, Swersky and Zemel 2017, "Prototypical networks for few-shot learning", equations 1 and 2.
    """

    family = "metric"
    state_type = PrototypeState

    def __init__(
        self,
        network: nn.Module,
        *,
        distance: Literal["euclidean", "cosine"] = "euclidean",
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        if distance not in _DISTANCES:
            raise ConfigurationError(f"distance= is one of {', '.join(_DISTANCES)}; got {distance!r}.")
        self._run = FunctionalNetwork(network, norm)
        super().__init__(loss, norm if self._run.has_norms else "none")
        self.network = network
        self.distance = distance

    def adapt(self, support: Examples, state: PrototypeState | None = None) -> PrototypeState:
        """Embeds the support set and sums it per class; adds to `state` if there is one.

        Raises:
            DataError: in regression, where there are no classes.
        """
        if support.ways is None:
            raise DataError("Prototypes need classes; this task has none (ways is None). Use a gradient learner.")
        call = NormCall(self.visible(support.mask), collect=self.norm == "support")
        if state is not None and state.statistics:
            call = NormCall(given=state.statistics)
        z = self._embed(support.x, call)
        # not F.one_hot, which looks at the labels' values: a step that is captured as a graph cannot
        labels = torch.arange(support.ways, device=support.y.device)
        member = ((support.y[:, None] == labels) & support.mask[:, None]).to(z.dtype)
        sums, counts = member.T @ z, member.sum(0)
        if state is None:
            return PrototypeState(sums, counts, call.seen, support.ways)
        return state._replace(sums=state.sums + sums, counts=state.counts + counts)

    def predict(self, state: PrototypeState, x: Tree, mask: Tensor | None = None) -> Any:
        """Logits `(N, ways)` for inputs `(N, ...)`."""
        return self._logits(state, x, NormCall(self.visible(mask)))

    def objective(self, task: Task) -> Objective:
        """The query loss; keeps the query batch's statistics for the running averages."""
        call = NormCall(self.visible(task.query.mask), collect=self.norm == "running" and self.training)
        prediction = self._logits(self.adapt(task.support), task.query.x, call)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, {f"network.{name}": s for name, s in call.seen.items()})

    def _logits(self, state: PrototypeState, x: Tree, call: NormCall) -> Tensor:
        call.given = state.statistics or None
        z = self._embed(x, call)
        # a class without examples (all its rows padding) has its prototype at the origin, not at NaN
        prototypes = state.sums / state.counts.clamp(min=1)[:, None]
        return self._compare(z, prototypes)

    def _compare(self, z: Tensor, prototypes: Tensor) -> Tensor:
        return _DISTANCES[self.distance](z, prototypes)

    def _embed(self, x: Tree, call: NormCall) -> Tensor:
        call.running = self.norm == "running" and not self.training
        return torch.flatten(self._run({}, x, call), 1)
