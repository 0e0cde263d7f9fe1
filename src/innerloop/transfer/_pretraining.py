"""Pretraining: classify the merged training classes, then use the features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from innerloop.learner import Learner, Objective, State
from innerloop.losses import Loss
from innerloop.metric import Prototypes, PrototypeState
from innerloop.network_learner import NetworkLearner, within
from innerloop.task import Examples, Task, Tree
from innerloop.transfer._classification import classification_loss, features_of


class Pretraining(NetworkLearner):
    """An ordinary classifier of all training classes; new tasks get the nearest class mean of its features.

    `fit` trains it on the source's flat view, with no tasks in sight. It is what meta-learning has to beat, and the
    start of the other transfer learners.

    Args:
        network: a network with `features` and `head`, the head with one output per training class.
        smoothing: label smoothing of the classification loss.
        loss: loss on tasks (evaluation only); None: cross-entropy.
        on_tasks: what learns a new task from the features; it holds the same modules as `network.features` and is
            not trained. It follows the norm policy of this learner. None: the nearest class mean by cosine similarity.

    Raises:
        ConfigurationError: if the network has no `features`.

    Source: Chen et al. 2019, "A closer look at few-shot classification" (Baseline); Wang et al. 2019, "SimpleShot".
    """

    family = "transfer"
    state_type: Callable[..., State] = PrototypeState

    def __init__(
        self,
        network: nn.Module,
        *,
        smoothing: float = 0.1,
        loss: Loss | None = None,
        on_tasks: Learner | None = None,
    ):
        features = features_of(network)
        super().__init__(network, loss=loss, norm="running")
        self.smoothing = smoothing
        on_tasks = on_tasks or Prototypes(features, distance="cosine", norm="running")
        self.state_type = on_tasks.state_type
        # holds the same modules as the network; kept in a list so that they are not registered twice
        self._on_tasks = [on_tasks]
        on_tasks.training = False  # only this flag: the features themselves follow the learner

    def training_source(self, source: Any) -> Any:
        """The merged classes of `source`."""
        return source.flat()

    def objective(self, task: Task) -> Objective:
        """Cross-entropy over all training classes, for a flat batch."""
        call = self.norm_call(task.query.mask, collect=self.collects)
        logits = self.run(task.query.x, call)
        loss = classification_loss(logits, task.query, self.smoothing)
        return Objective(loss, loss, logits, within("network", call.seen))

    def adapt(self, support: Examples, state: State | None = None) -> State:
        """Class means of the frozen features, or what `on_tasks` learns from them."""
        return self._frozen().adapt(support, state)

    def predict(self, state: State, x: Tree, mask: Tensor | None = None) -> Any:
        """Logits by cosine similarity to the class means, or those of `on_tasks`."""
        return self._frozen().predict(state, x, mask)

    def moved(self, state: State) -> Tree:
        """What `on_tasks` moves."""
        return self._on_tasks[0].moved(state)

    def _frozen(self) -> Learner:
        on_tasks = self._on_tasks[0]
        on_tasks._padded = self._padded
        if on_tasks.norm != "none":
            on_tasks.norm = self.norm
        return on_tasks
