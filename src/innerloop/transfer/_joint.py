"""Joint training: one network for all tasks at once, as if there were no tasks."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import nn

from innerloop.losses import Loss
from innerloop.network_learner import NetworkLearner
from innerloop.networks import NormCall, Statistics
from innerloop.task import Examples, Tree
from innerloop.ways import cut_to_ways


class JointState(NamedTuple):
    """What is known of a task that nothing was learned from.

    Attributes:
        ways: number of classes; None in regression.
        statistics: of the support set's norm layers (only with norm="support").
    """

    ways: int | None = None
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values


class Joint(NetworkLearner):
    """Learns the targets of all training tasks with one network; nothing is learned from the support set.

    Pretraining for regression, where there are no classes to merge. Fine-tuning goes on from its network.

    Args:
        network: any module.
        loss: None: cross-entropy for classes that mean the same in every task, squared error otherwise.

    Source: Finn, Abbeel and Levine 2017, section 5.1 (the pretrained baseline).

    >>> import torch
    >>> learner = Joint(nn.Linear(2, 5))
    >>> state = learner.adapt(Examples(torch.zeros(3, 2), torch.tensor([0, 1, 2]), ways=3))
    >>> learner.predict(state, torch.zeros(4, 2)).shape
    torch.Size([4, 3])
    """

    family = "transfer"
    state_type = JointState

    def __init__(self, network: nn.Module, *, loss: Loss | None = None):
        super().__init__(network, loss=loss, norm="running")

    def adapt(self, support: Examples, state: JointState | None = None) -> JointState:
        """Nothing is learned from the support set; under norm="support" its statistics are kept."""
        if self.norm != "support":
            return JointState(support.ways)
        call = self.support_call(support, state)
        if call.collect:
            self.run(support.x, call)
        return JointState(support.ways, call.kept)

    def predict_under(self, state: JointState, x: Tree, call: NormCall) -> Any:
        """The network's outputs, as many logits as the task has ways."""
        return cut_to_ways(self.run(x, call), state.ways)
