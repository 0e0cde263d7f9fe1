"""Joint training: one network for all tasks at once, as if there were no tasks."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from innerloop.learner import Learner, Objective
from innerloop.losses import Loss
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall
from innerloop.task import Examples, Task, Tree


class Joint(Learner):
    """Learns the targets of all training tasks with one network; it does not look at the support set.

    Pretraining for regression, where there are no classes to merge. Fine-tuning goes on from its network.

    Args:
        network: any module.
        loss: None: cross-entropy for classes that mean the same in every task, squared error otherwise.

    Source: Finn, Abbeel and Levine 2017, section 5.1 (the pretrained baseline).
    """

    family = "transfer"

    def __init__(self, network: nn.Module, *, loss: Loss | None = None):
        self._run = FunctionalNetwork(network, "running")
        super().__init__(loss, "running" if self._run.has_norms else "none")
        self.network = network

    def adapt(self, support: Examples, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing is learned from the support set."""
        return {}

    def predict(self, state: dict[str, Any], x: Tree, mask: Tensor | None = None) -> Any:
        """The network's outputs."""
        return self._run({}, x, NormCall(self.visible(mask), running=not self.training))

    def objective(self, task: Task) -> Objective:
        """The query loss; keeps the query batch's statistics for the running averages."""
        call = NormCall(self.visible(task.query.mask), collect=self.training, running=not self.training)
        prediction = self._run({}, task.query.x, call)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, {f"network.{name}": s for name, s in call.seen.items()})
