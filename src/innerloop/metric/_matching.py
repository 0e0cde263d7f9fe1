"""Matching networks: a query takes its label from the support examples that it resembles.

Shape legend: N support examples, Q query examples, W ways, D embedding.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.losses import Loss
from innerloop.metric._embedding_learner import EmbeddingLearner, beside, membership
from innerloop.metric._full_context import FullContext
from innerloop.metric._prototypes import cosine
from innerloop.metric._scale import Scale
from innerloop.networks import Policy, Statistics
from innerloop.task import Examples

_ABSENT = math.log(1e-6)
"""Log-probability of a class without examples: small, and with a finite loss."""


class MatchingState(NamedTuple):
    """The embedded support set.

    Attributes:
        embedded: `(N, D)` the embeddings without context, kept so that examples can be added.
        context: `(N, D)` what queries are compared with: the same, or with full context.
        member: `(N, W)` one-hot labels; rows of padding are zero.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes.
    """

    embedded: Tensor
    context: Tensor
    member: Tensor
    statistics: Statistics
    ways: int


class Matching(EmbeddingLearner):
    """Matching networks: attention over the support examples by cosine similarity.

        P(y = k | x) = Σ_{i: y_i = k} a_i,   a = softmax_i(s cos(f(x), g(x_i)))

    Predictions are `log P`. Without full context f and g are the same network, the order of the support set does not
    matter, and adapting from a state adds examples. With full context (see `FullContext`) the embeddings depend on the
    whole set *and on its order*; adapting from a state goes over the kept embeddings again, not over the old examples.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened to `(N, D)`.
        full_context: with full-context embeddings. Off by default, as in the paper's rows for Omniglot.
        reads: K, reads from the support set for each query, with full context. The paper names no number; 5 is a
            choice.
        scale: s, a number, or "learned" (from 10, as the cosines of `Prototypes`). The paper has 1, which gives a
            perfect match of five no more than 0.4 of the probability if the others have similarity 0.
        width: size D of the embedding, for full context; None: what `network.width` says.
        loss: outer loss; None: cross-entropy, as in the paper.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Raises:
        ConfigurationError: if full context is asked for and the width is not known.

    Source: Vinyals et al. 2016, "Matching networks for one shot learning", equations 1 and 2 and appendix A.

    >>> support = Examples(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]), ways=2)
    >>> learner = Matching(nn.Identity(), scale=1.0)
    >>> learner.predict(learner.adapt(support), torch.tensor([[2.0, 0.0]])).exp()  # e / (e + 1)
    tensor([[0.7311, 0.2689]])
    """

    state_type = MatchingState

    def __init__(
        self,
        network: nn.Module,
        *,
        full_context: bool = False,
        reads: int = 5,
        scale: float | Literal["learned"] = "learned",
        width: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, loss=loss, norm=norm)
        at_least("reads=", reads, 1)
        size = getattr(network, "width", None) if width is None else width
        if full_context and not isinstance(size, int):
            raise ConfigurationError(
                f"Full context needs the size of the embedding, and {type(network).__name__} has no `width`. "
                "Name it with width=."
            )
        self.scale = beside(network, Scale(scale, 10.0))
        self.context = None
        if full_context and isinstance(size, int):
            self.context = beside(network, FullContext(size, reads))

    def learn(
        self, z: Tensor, support: Examples, before: MatchingState | None, statistics: Statistics
    ) -> MatchingState:
        """Keeps the embeddings with their labels.

        Raises:
            DataError: in regression, where there are no classes.
        """
        member = membership(support, z, "Matching networks")
        if before is not None:
            z, member = torch.cat([before.embedded, z]), torch.cat([before.member, member])
        context = z if self.context is None else self.context.support(z, member.any(1))
        return MatchingState(z, context, member, statistics, member.shape[1])

    def compare(self, state: MatchingState, z: Tensor) -> Tensor:
        """Log-probabilities `(Q, ways)`."""
        present = state.member.any(1)
        if self.context is not None:
            z = self.context(z, state.context, present)
        lowest = torch.finfo(z.dtype).min / 2  # not minus infinity, whose slopes are NaN where nothing else is there
        score: Tensor = torch.where(present, self.scale(cosine(z, state.context)), lowest)
        own = torch.where(state.member.bool(), score[..., None], lowest)  # (Q, N, W)
        found = own.logsumexp(1) - score.logsumexp(1)[:, None]
        return torch.where(state.member.any(0), found, _ABSENT)
