"""A support vector machine on learned features, solved in every task.

Shape legend: N support examples, Q query examples, W ways, D features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from innerloop.demands import positive
from innerloop.losses import Loss
from innerloop.metric._crammer_singer import crammer_singer
from innerloop.metric._embedding_learner import EmbeddingLearner, beside, membership
from innerloop.metric._scale import Scale
from innerloop.networks import Policy, Statistics
from innerloop.task import Examples


class SVMState(NamedTuple):
    """The class weights, and the embedded support set from which they are found.

    Attributes:
        weight: `(D, W)`.
        embedded: `(N, D)`, kept so that examples can be added.
        member: `(N, W)` one-hot labels; rows of padding are zero.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes.
    """

    weight: Tensor
    embedded: Tensor
    member: Tensor
    statistics: Statistics
    ways: int


class SVM(EmbeddingLearner):
    """MetaOptNet: a multi-class support vector machine on the support embeddings, differentiated at its solution.

        w = argmin 1/2 Σ_k |w_k|² + C Σ_i ξ_i   subject to   w_y(i)'z_i - w_k'z_i >= [k ≠ y(i)] - ξ_i
        logits_k = γ w_k'f(x)

    Solved in its dual, see `crammer_singer`; γ is learned. Adapting from a state solves again on the kept embeddings of
    the old examples, without reading those. Any number of ways goes.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened to `(N, D)`.
        cost: C, the most that an example may weigh.
        smoothing: what is added to the diagonal of the dual; 1 in the published code.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Raises:
        ConfigurationError: if the cost or the smoothing is not positive.

    Source: Lee et al. 2019, "Meta-learning with differentiable convex optimization", section 3.2, equations 6 to 10,
    C = 0.1, and γ from 1.

    >>> support = Examples(torch.eye(2), torch.tensor([0, 1]), ways=2)
    >>> learner = SVM(nn.Identity(), cost=1.0)
    >>> learner.adapt(support).weight.round(decimals=3)
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """

    state_type = SVMState

    def __init__(
        self,
        network: nn.Module,
        *,
        cost: float = 0.1,
        smoothing: float = 1.0,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        positive("cost=", cost, 0.1)
        positive("smoothing=", smoothing, 1.0)
        super().__init__(network, loss=loss, norm=norm)
        self.cost, self.smoothing = cost, smoothing
        self.scale = beside(network, Scale("learned"))

    def learn(self, z: Tensor, support: Examples, before: SVMState | None, statistics: Statistics) -> SVMState:
        """Solves for the weights.

        Raises:
            DataError: in regression, where there are no classes.
        """
        member = membership(support, z, "SVMs")
        if before is not None:
            z, member = torch.cat([before.embedded, z]), torch.cat([before.member, member])
        weight = z.T @ crammer_singer(z @ z.T, member, self.cost, self.smoothing)
        return SVMState(weight, z, member, statistics, member.shape[1])

    def compare(self, state: SVMState, z: Tensor) -> Tensor:
        """Logits `(Q, ways)`."""
        found: Tensor = self.scale(z @ state.weight)
        return found
