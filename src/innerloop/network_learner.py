"""A learner that runs a network whose norm layers follow the learner's policy: the base of most learners."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from innerloop.learner import Learner, Objective, State
from innerloop.losses import Loss
from innerloop.networks import FunctionalNetwork, NormCall, Policy, Statistics
from innerloop.task import Examples, Task, Tree


class NetworkLearner(Learner):
    """A learner with a network, whose norm layers it steers; any network serves, with such layers or without.

    A subclass writes `adapt`, and `predict_under` where predictions are more than the network's outputs. Both run the
    network by `run` or `embed`, with a call that says whose statistics normalise: `support_call` gives the one for
    support examples, and `predict_under` is handed the one for queries. States are NamedTuples with a field
    `statistics`: what `call.kept` holds after the support examples have been run.

    Args:
        network: any module.
        loss: outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers. With "batch", support and query are normalised by their own batches.

    Raises:
        ConfigurationError: if the network has norm layers that cannot follow the policy.

    >>> from typing import NamedTuple
    >>> class Centre(NamedTuple):
    ...     mean: Tensor
    ...     statistics: Statistics
    >>> class Offset(NetworkLearner):
    ...     def adapt(self, support, state=None):
    ...         call = self.support_call(support, state)
    ...         return Centre(self.embed(support.x, call).mean(0), call.kept)
    ...     def predict_under(self, state, x, call):
    ...         return self.embed(x, call) - state.mean
    >>> support = Examples(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))
    >>> learner = Offset(nn.Identity())
    >>> learner.predict(learner.adapt(support), torch.tensor([[5.0]]))
    tensor([[3.]])
    """

    def __init__(self, network: nn.Module, *, loss: Loss | None = None, norm: Policy = "running"):
        self._run = FunctionalNetwork(network, norm)
        super().__init__(loss, norm if self._run.has_norms else "none")
        self.network = network

    def predict_under(self, state: State, x: Tree, call: NormCall) -> Any:
        """Predictions for inputs `(N, ...)` with norm layers that follow `call`: by default the network's outputs."""
        return self.run(x, call)

    def predict(self, state: State, x: Tree, mask: Tensor | None = None) -> Any:
        """Predictions for inputs `(N, ...)`: logits `(N, ways)`, or values."""
        return self.predict_under(state, x, self.query_call(state, mask))

    def objective(self, task: Task) -> Objective:
        """The query loss; keeps the query batch's statistics for the running averages."""
        state = self.adapt(task.support)
        call = self.query_call(state, task.query.mask)
        call.collect = self.collects
        prediction = self.predict_under(state, task.query.x, call)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, within("network", call.seen))

    def run(self, x: Tree, call: NormCall, parameters: dict[str, Tensor] | None = None) -> Any:
        """The network's outputs.

        Args:
            x: inputs `(N, ...)`.
            call: what the norm layers do; `call.seen` holds the statistics afterwards if it asked for them.
            parameters: what stands in for the network's own, by name.
        """
        return self._run(parameters or {}, x, call)

    def embed(self, x: Tree, call: NormCall) -> Tensor:
        """The network's outputs, flattened to `(N, D)`."""
        return torch.flatten(self.run(x, call), 1)

    def support_call(self, support: Examples, state: State | None = None) -> NormCall:
        """What the norm layers do for support examples; with a state to go on from, its statistics stay in force."""
        given: Statistics = {} if state is None else state.statistics
        return self.norm_call(support.mask, given=given, collect=self.norm == "support" and not given)

    def query_call(self, state: State, mask: Tensor | None = None) -> NormCall:
        """What the norm layers do for query examples `(N, ...)` of the task that `state` has learned."""
        return self.norm_call(mask, given=state.statistics)

    def norm_call(self, mask: Tensor | None, *, given: Statistics | None = None, collect: bool = False) -> NormCall:
        """What the norm layers do for any examples.

        Args:
            mask: `(N,)`, False where a row is padding.
            given: statistics to normalise with; None or empty: those of the batch, or the running averages.
            collect: keep the statistics that are computed.
        """
        return NormCall(self.visible(mask), given=given or None, running=self.on_averages, collect=collect)

    @property
    def on_averages(self) -> bool:
        """Whether norm layers use their running averages: under "running", while the learner is not in training."""
        return self.norm == "running" and not self.training

    @property
    def collects(self) -> bool:
        """Whether an outer step moves the running averages: under "running", while the learner is in training."""
        return self.norm == "running" and self.training


def within(name: str, statistics: Statistics) -> Statistics:
    """Statistics of a part by their names in the whole, as `Objective` wants them.

    >>> list(within("network", {"features.1": (torch.zeros(1), torch.ones(1))}))
    ['network.features.1']
    """
    return {f"{name}.{layer}": found for layer, found in statistics.items()}
