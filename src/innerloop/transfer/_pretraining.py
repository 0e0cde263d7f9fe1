"""Pretraining: classify the merged training classes, then use the features."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from innerloop.learner import Learner, Objective
from innerloop.losses import Loss
from innerloop.metric import Prototypes, PrototypeState
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall
from innerloop.task import Examples, Task, Tree
from innerloop.transfer._classification import classification_loss, features_of


class Pretraining(Learner):
    """An ordinary classifier of all training classes; new tasks get the nearest class mean of its features.

    `fit` trains it on the source's flat view, with no tasks in sight. It is what meta-learning has to beat, and the
    start of the other transfer learners.

    Args:
        network: a network with `features` and `head`, the head with one output per training class.
        smoothing: label smoothing of the classification loss.
        loss: loss on tasks (evaluation only); None: cross-entropy.

    Raises:
        ConfigurationError: if the network has no `features`.

    Source: Chen et al. 2019, "A closer look at few-shot classification" (Baseline); Wang et al. 2019, "SimpleShot".
    """

    family = "transfer"
    state_type = PrototypeState

    def __init__(self, network: nn.Module, *, smoothing: float = 0.1, loss: Loss | None = None):
        features = features_of(network)
        self._run = FunctionalNetwork(network, "running")
        super().__init__(loss, "running" if self._run.has_norms else "none")
        self.network = network
        self.smoothing = smoothing
        # holds the same modules as the network; kept in a list so that they are not registered twice
        self._nearest = [Prototypes(features, distance="cosine", norm="running")]
        self._nearest[0].training = False  # only this flag: the features themselves follow the learner

    def training_source(self, source: Any) -> Any:
        """The merged classes of `source`."""
        return source.flat()

    def objective(self, task: Task) -> Objective:
        """Cross-entropy over all training classes, for a flat batch."""
        call = NormCall(self.visible(task.query.mask), collect=self.training, running=not self.training)
        logits = self._run({}, task.query.x, call)
        loss = classification_loss(logits, task.query, self.smoothing)
        return Objective(loss, loss, logits, {f"network.{name}": s for name, s in call.seen.items()})

    def adapt(self, support: Examples, state: PrototypeState | None = None) -> PrototypeState:
        """Class means of the frozen features."""
        found: PrototypeState = self._frozen().adapt(support, state)
        return found

    def predict(self, state: PrototypeState, x: Tree, mask: Tensor | None = None) -> Any:
        """Logits by cosine similarity to the class means."""
        return self._frozen().predict(state, x, mask)

    def _frozen(self) -> Prototypes:
        nearest = self._nearest[0]
        nearest._padded = self._padded
        return nearest
