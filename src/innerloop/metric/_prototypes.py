"""Prototypes: a class is the mean of its support examples in an embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.losses import Loss
from innerloop.metric._embedding_learner import EmbeddingLearner, beside, membership
from innerloop.metric._scale import Scale, unit
from innerloop.networks import Policy, Statistics
from innerloop.task import Examples


def squared_euclidean(z: Tensor, prototypes: Tensor) -> Tensor:
    """`-|z - c|^2` for embeddings `(N, D)` and prototypes `(W, D)`: `(N, W)`."""
    return -(z[:, None] - prototypes[None]).square().sum(-1)


def cosine(z: Tensor, prototypes: Tensor) -> Tensor:
    """`cos(z, c)` for embeddings `(N, D)` and prototypes `(W, D)`: `(N, W)`."""
    return unit(z) @ unit(prototypes).T


_DISTANCES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], float]] = {
    "euclidean": (squared_euclidean, 1.0),
    # turns similarities into logits and changes no decision; 10 is where the learned scale starts in Gidaris and
    # Komodakis 2018, "Dynamic few-shot visual learning without forgetting"
    "cosine": (cosine, 10.0),
}
"""Similarities, each with the scale that makes logits of them."""


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


class Prototypes(EmbeddingLearner):
    """Prototypical networks: logits are negative distances to the class means of the support embeddings.

        c_k = mean_{y_i = k} f(x_i),   logits_k = -s d(f(x), c_k)

    Any number of ways, and adapting from a state adds examples without reading the old ones again.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened to `(N, D)`.
        distance: "euclidean" (squared, as in the paper) or "cosine".
        scale: s, a number, or "learned"; None: 1 for "euclidean" (the paper), 10 for "cosine". A learned one starts
            there.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Raises:
        ConfigurationError: for an unknown distance or a scale that is not positive.

    Source: Snell, Swersky and Zemel 2017, "Prototypical networks for few-shot learning", equations 1 and 2; the learned
    scale: Oreshkin, Rodriguez and Lacoste 2018, "TADAM", section 3.1, and for cosines Gidaris and Komodakis 2018.

    >>> import torch
    >>> support = Examples(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]), ways=2)
    >>> learner = Prototypes(nn.Identity())
    >>> learner.predict(learner.adapt(support), torch.tensor([[2.0]]))
    tensor([[-1., -9.]])
    """

    state_type = PrototypeState

    def __init__(
        self,
        network: nn.Module,
        *,
        distance: Literal["euclidean", "cosine"] = "euclidean",
        scale: float | Literal["learned"] | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        if distance not in _DISTANCES:
            raise ConfigurationError(f"distance= is one of {', '.join(_DISTANCES)}; got {distance!r}.")
        super().__init__(network, loss=loss, norm=norm)
        self.distance = distance
        start = _DISTANCES[distance][1]
        self.scale = beside(network, Scale(start if scale is None else scale, start))

    def learn(
        self, z: Tensor, support: Examples, before: PrototypeState | None, statistics: Statistics
    ) -> PrototypeState:
        """Sums the embeddings per class.

        Raises:
            DataError: in regression, where there are no classes.
        """
        member = membership(support, z, "Prototypes")
        sums, counts = member.T @ z, member.sum(0)
        if before is not None:
            sums, counts = before.sums + sums, before.counts + counts
        return PrototypeState(sums, counts, statistics, member.shape[1])

    def compare(self, state: PrototypeState, z: Tensor) -> Tensor:
        """Logits `(Q, ways)`."""
        # a class without examples (all its rows padding) has its prototype at the origin, not at NaN
        prototypes = state.sums / state.counts.clamp(min=1)[:, None]
        similarity: Tensor = _DISTANCES[self.distance][0](z, prototypes)
        found: Tensor = self.scale(similarity)
        return found
