"""What the family shares: embed the examples, read them into a state, answer queries from it."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.learner import State
from innerloop.losses import Loss
from innerloop.memory._targets import Targets
from innerloop.network_learner import NetworkLearner
from innerloop.networks import NormCall, Policy
from innerloop.task import Examples, Tree
from innerloop.ways import demand_same_ways


class Reader(NetworkLearner):
    """A learner whose adaptation is a forward pass: no gradient is taken at test time.

    A subclass writes `read` and `answer`; its states are NamedTuples with the fields `statistics` and `ways`.

    Args:
        network: the embedding; its outputs `(N, ...)` are flattened.
        targets: classes or numbers.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: cross-entropy for classes, the negative log-density for `Gaussian` predictions, squared
            error for numbers.
        norm: policy of the embedding's norm layers.

    Raises:
        ConfigurationError: if the width of the embedding is not known.
    """

    family = "memory"

    def __init__(self, network: nn.Module, targets: Targets, *, features: int | None, loss: Loss | None, norm: Policy):
        super().__init__(network, loss=loss or targets.loss, norm=norm)
        self.targets = targets
        width = getattr(network, "width", None) if features is None else features
        if not isinstance(width, int) or width < 1:
            raise ConfigurationError(
                f"How many features does {type(network).__name__} give? Say features=..., or use a network with a "
                "`width` (innerloop.networks)."
            )
        self.features = width

    @abstractmethod
    def read(self, z: Tensor, y: Tensor, mask: Tensor | None, before: State | None) -> State:
        """The state after reading examples, after those of `before` if there is one.

        Args:
            z: embeddings `(N, features)`; rows of padding are zero.
            y: targets as they are shown, `(N, targets.size)`; rows of padding are zero.
            mask: `(N,)`, False where a row is padding; None: there is none.
            before: a state to go on from.
        """

    @abstractmethod
    def answer(self, state: State, z: Tensor) -> Tensor:
        """Outputs `(Q, targets.head)` for query embeddings `(Q, features)`, each independent of the others."""

    def adapt(self, support: Examples, state: State | None = None) -> State:
        """Reads the support set; goes on from `state` if there is one.

        Raises:
            DataError: if the targets are not those that the learner was built for, or `state` is of a task with another
                number of classes.
        """
        demand_same_ways(support, state)
        call = self.support_call(support, state)
        z = self.embed(support.x, call)
        y = self.targets.encode(support, z.dtype)
        if call.mask is not None:
            # a padded row may hold anything, also what times zero is not zero
            z, y = (torch.where(call.mask[:, None], rows, 0) for rows in (z, y))
        return self.read(z, y, call.mask, state)._replace(statistics=call.kept, ways=support.ways)

    def predict_under(self, state: State, x: Tree, call: NormCall) -> Any:
        """Predictions for inputs `(N, ...)`: logits, numbers, or a `Gaussian`."""
        return self.targets.decode(self.answer(state, self.embed(x, call)), state.ways)


def layers(*sizes: int) -> nn.Sequential:
    """Linear layers of these sizes with rectifiers between them.

    >>> len(layers(2, 8, 8, 1))
    5
    """
    found: list[nn.Module] = []
    for inside, outside in itertools.pairwise(sizes):
        found += [nn.Linear(inside, outside), nn.ReLU()]
    return nn.Sequential(*found[:-1])
