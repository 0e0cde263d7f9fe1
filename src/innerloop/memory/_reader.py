"""What the family shares: embed the examples, read them into a state, answer queries from it."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.learner import Learner, Objective, State
from innerloop.losses import Loss
from innerloop.memory._targets import Targets
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall, Policy
from innerloop.task import Examples, Task, Tree


class Reader(Learner):
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
        self._run = FunctionalNetwork(network, norm)
        super().__init__(loss or targets.loss, norm if self._run.has_norms else "none")
        self.network, self.targets = network, targets
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
            DataError: if the targets are not those that the learner was built for.
        """
        visible = self.visible(support.mask)
        call = NormCall(visible, collect=self.norm == "support")
        if state is not None and state.statistics:
            call = NormCall(given=state.statistics)
        z = self._embed(support.x, call)
        y = self.targets.encode(support, z.dtype)
        if visible is not None:
            # a padded row may hold anything, also what times zero is not zero
            z, y = (torch.where(visible[:, None], rows, 0) for rows in (z, y))
        read = self.read(z, y, visible, state)
        statistics = call.seen if state is None else state.statistics
        return read._replace(statistics=statistics, ways=support.ways)

    def predict(self, state: State, x: Tree, mask: Tensor | None = None) -> Any:
        """Predictions for inputs `(N, ...)`: logits, numbers, or a `Gaussian`."""
        return self._answer(state, x, NormCall(self.visible(mask)))

    def objective(self, task: Task) -> Objective:
        """The query loss; keeps the query batch's statistics for the running averages."""
        call = NormCall(self.visible(task.query.mask), collect=self.norm == "running" and self.training)
        prediction = self._answer(self.adapt(task.support), task.query.x, call)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, {f"network.{name}": seen for name, seen in call.seen.items()})

    def _answer(self, state: State, x: Tree, call: NormCall) -> Any:
        call.given = state.statistics or None
        return self.targets.decode(self.answer(state, self._embed(x, call)), state.ways)

    def _embed(self, x: Tree, call: NormCall) -> Tensor:
        call.running = self.norm == "running" and not self.training
        return torch.flatten(self._run({}, x, call), 1)


def layers(*sizes: int) -> nn.Sequential:
    """Linear layers of these sizes with rectifiers between them.

    >>> len(layers(2, 8, 8, 1))
    5
    """
    found: list[nn.Module] = []
    for inside, outside in itertools.pairwise(sizes):
        found += [nn.Linear(inside, outside), nn.ReLU()]
    return nn.Sequential(*found[:-1])
