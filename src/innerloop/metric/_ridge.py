"""Ridge regression on learned features, solved exactly in every task.

Shape legend: N support examples, Q query examples, D features and a one, O outputs (the ways in classification).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from innerloop.demands import positive
from innerloop.errors import DataError
from innerloop.losses import Loss
from innerloop.metric._embedding_learner import EmbeddingLearner, beside, membership
from innerloop.metric._scale import Scale
from innerloop.networks import Policy, Statistics
from innerloop.task import Examples


class RidgeState(NamedTuple):
    """The solution, and what it takes to solve again with more examples.

    Attributes:
        weight: `(D, O)`.
        seen: while there are fewer examples than features, their "rows" `(N, D)` and "targets" `(N, O)`; from then on
            only the sums "gram" `Z'Z` `(D, D)` and "cross" `Z'Y` `(D, O)`, which do not grow.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    weight: Tensor
    seen: dict[str, Tensor]
    statistics: Statistics
    ways: int | None


class Ridge(EmbeddingLearner):
    """R2-D2: ridge regression on the support embeddings in closed form, differentiated through the solution.

        w = Z'(ZZ' + λI)^-1 Y = (Z'Z + λI)^-1 Z'Y,   prediction = α f(x)'w + β

    Z are the embeddings with a column of ones, Y one-hot labels or, in regression, the targets. The first form
    (Woodbury) is taken while there are fewer examples than features, the second otherwise. λ, α and β are learned.
    Adapting from a state adds examples without reading the old ones again, and any number of ways goes.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened.
        strength: where λ starts. The paper learns it too; its published code holds it at 50 per example.
        scale: where α starts in classification, 10 as in the published setting for Omniglot; in regression it starts
            at 1.
        loss: outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Raises:
        ConfigurationError: if the strength or the scale is not positive.

    Source: Bertinetto et al. 2019, "Meta-learning with differentiable closed-form solvers", section 3.1, equations 4
    to 6; the column of ones and the 10: its published code. β moves all logits of an example alike and so matters in
    regression only.

    >>> support = Examples(torch.tensor([[-1.0], [1.0]]), torch.tensor([[-2.0], [2.0]]))
    >>> learner = Ridge(nn.Identity(), strength=2.0)
    >>> learner.predict(learner.adapt(support), torch.tensor([[3.0]]))  # w = 4 / (2 + 2)
    tensor([[3.]], grad_fn=<AddBackward0>)
    """

    state_type = RidgeState

    def __init__(
        self,
        network: nn.Module,
        *,
        strength: float = 1.0,
        scale: float = 10.0,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        positive("strength=", strength, 1.0)
        positive("scale=", scale, 10.0)
        super().__init__(network, loss=loss, norm=norm)
        self.start = scale
        self.strength, self.scale = beside(network, Scale("learned", strength)), beside(network, Scale("learned"))
        like = next(network.parameters(), torch.zeros(()))
        self.bias = nn.Parameter(like.new_zeros(()))

    def learn(self, z: Tensor, support: Examples, before: RidgeState | None, statistics: Statistics) -> RidgeState:
        """Solves for the weights.

        Raises:
            DataError: in regression, if the targets are not of shape `(N, O)`.
        """
        ones = support.mask.to(z.dtype)[:, None]
        z, y = torch.cat([z, ones], dim=1), self._targets(support, z)
        seen = _together(None if before is None else before.seen, z, y)
        return RidgeState(self._solve(seen), seen, statistics, support.ways)

    def compare(self, state: RidgeState, z: Tensor) -> Tensor:
        """Logits `(Q, ways)`, or values `(Q, O)`."""
        found = z @ state.weight[:-1] + state.weight[-1]
        scaled: Tensor = self.scale(found if state.ways is None else self.start * found)
        return scaled + self.bias

    def _targets(self, support: Examples, z: Tensor) -> Tensor:
        if support.ways is not None:
            return membership(support, z, "Ridge")
        y = support.y
        if not isinstance(y, Tensor) or y.ndim != 2:
            shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
            raise DataError(f"Ridge regression needs targets of shape (N, outputs); got {shape}. Use y.reshape(N, -1).")
        return torch.where(support.mask[:, None], y, 0).to(z.dtype)

    def _solve(self, seen: dict[str, Tensor]) -> Tensor:
        rows = "rows" in seen
        matrix = seen["rows"] @ seen["rows"].T if rows else seen["gram"]
        eye = torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device)
        found = torch.linalg.solve(matrix + self.strength(eye), seen["targets" if rows else "cross"])
        weight: Tensor = seen["rows"].T @ found if rows else found
        return weight


def _together(before: dict[str, Tensor] | None, z: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What is known of all examples; which of the two forms depends on shapes alone."""
    if before is not None and "gram" in before:
        return {"gram": before["gram"] + z.T @ z, "cross": before["cross"] + z.T @ y}
    if before is not None:
        z, y = torch.cat([before["rows"], z]), torch.cat([before["targets"], y])
    if z.shape[0] < z.shape[1]:
        return {"rows": z, "targets": y}
    return {"gram": z.T @ z, "cross": z.T @ y}
