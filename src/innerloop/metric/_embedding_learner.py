"""What learners have in common that compare in an embedding: how the network is run."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from innerloop.errors import DataError
from innerloop.learner import State
from innerloop.network_learner import NetworkLearner
from innerloop.networks import NormCall, Statistics
from innerloop.task import Examples, Tree
from innerloop.ways import demand_same_ways

M = TypeVar("M", bound=nn.Module)


class EmbeddingLearner(NetworkLearner):
    """Embeds the support and the query examples with one network, and compares.

    A subclass writes `learn` and `compare` on embeddings; norm layers, padding and their gradient are taken care of
    here. Its states are NamedTuples with a field `statistics`.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened to `(N, D)`.
        loss: outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    >>> from typing import NamedTuple
    >>> class Centre(NamedTuple):
    ...     mean: Tensor
    ...     statistics: dict
    >>> class Offset(EmbeddingLearner):
    ...     def learn(self, z, support, before, statistics):
    ...         return Centre(z.sum(0) / support.mask.sum(), statistics)
    ...     def compare(self, state, z):
    ...         return z - state.mean
    >>> support = Examples(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))
    >>> learner = Offset(nn.Identity())
    >>> learner.predict(learner.adapt(support), torch.tensor([[5.0]]))
    tensor([[3.]])
    """

    family = "metric"

    @abstractmethod
    def learn(self, z: Tensor, support: Examples, before: Any | None, statistics: Statistics) -> State:
        """The state after the support examples.

        Args:
            z: `(N, D)` their embeddings; rows of padding are zero.
            support: the examples.
            before: the state to go on from, or None.
            statistics: what the state has to keep in its field of that name.
        """

    @abstractmethod
    def compare(self, state: Any, z: Tensor) -> Tensor:
        """Predictions for query embeddings `(Q, D)`."""

    def adapt(self, support: Examples, state: State | None = None) -> State:
        """Embeds the support set and learns it; adds to `state` if there is one, without reading the old examples.

        Raises:
            DataError: if `state` is of a task with another number of classes.
        """
        demand_same_ways(support, state)
        call = self.support_call(support, state)
        z = self.embed(support.x, call)
        if call.mask is not None:
            z = torch.where(call.mask[:, None], z, 0)
        return self.learn(z, support, state, call.kept)

    def predict_under(self, state: State, x: Tree, call: NormCall) -> Any:
        """Predictions for inputs `(N, ...)`: logits `(N, ways)`, or values."""
        return self.compare(state, self.embed(x, call))


def beside(network: nn.Module, module: M) -> M:
    """`module` moved to where the parameters of `network` are, in their type."""
    like = next(network.parameters(), None)
    return module if like is None else module.to(like.device, like.dtype)


def membership(support: Examples, like: Tensor, name: str) -> Tensor:
    """One-hot labels `(N, ways)` in the type of `like`; rows of padding are zero.

    Args:
        support: the examples.
        like: a tensor of the type that is wanted.
        name: who asks, for the error.

    Raises:
        DataError: in regression, where there are no classes.

    >>> support = Examples(torch.zeros(3), torch.tensor([1, 0, 0]), torch.tensor([True, True, False]), ways=2)
    >>> membership(support, torch.zeros(()), "Prototypes")
    tensor([[0., 1.],
            [1., 0.],
            [0., 0.]])
    """
    if support.ways is None:
        raise DataError(f"{name} need classes; this task has none (ways is None). Use a gradient learner, or ridge.")
    # not F.one_hot, which looks at the labels' values: a step that is captured as a graph cannot
    labels = torch.arange(support.ways, device=support.y.device)
    member: Tensor = (support.y[:, None] == labels) & support.mask[:, None]
    return member.to(like.dtype)
