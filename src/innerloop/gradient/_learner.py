"""The gradient family: learn a task by a few steps of an inner optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.gradient._optimisers import SGD, InnerOptimiser, OptimiserState
from innerloop.gradient._outer_gradient import OuterGradient, Unrolled
from innerloop.gradient._outer_loss import LastStep, OuterLoss
from innerloop.gradient._selection import Selection, select
from innerloop.learner import Learner, Objective, cut_to_ways
from innerloop.losses import Loss, default_loss, mean_loss
from innerloop.mapping import gradient
from innerloop.networks import Backbone
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall, Policy, Statistics
from innerloop.task import Examples, Task, Tree


class GradientState(NamedTuple):
    """A task learned by gradient steps.

    Attributes:
        parameters: the adapted parameters, by name in the network.
        optimiser: state of the inner optimiser.
        statistics: of the support set under the adapted parameters (only with norm="support").
        steps: how many steps were taken.
        ways: number of classes; None in regression.
    """

    parameters: dict[str, Tensor]
    optimiser: OptimiserState = {}  # noqa: RUF012  # never written to: states are values
    statistics: Statistics = {}  # noqa: RUF012
    steps: int = 0
    ways: int | None = None


class GradientLearner(Learner):
    """Adapts a network by gradient steps on the support loss; four choices make its members.

        p_0 = θ,   p_{k+1} = optimiser(p_k, ∇ L_support(p_k)),   outer loss = L_query(p_K)

    Args:
        network: any module.
        which: parameters that adapt (see `select`).
        head: name pattern of the head, where `which` speaks of it.
        optimiser: the inner optimiser.
        outer_gradient: how the outer gradient passes the inner loop.
        steps: inner steps in training.
        test_steps: inner steps in `eval()` and in adapted models; None: as in training.
        outer_loss: which states of the inner loop the outer loss sees in training; None: the last.
        loss: outer loss; None: cross-entropy for classes, squared error otherwise.
        inner_loss: loss of the inner loop; None: as the outer loss.
        norm: policy of the norm layers for query examples; the inner loop uses the support batch's statistics
            (with "running" in `eval()`: the running averages everywhere).

    Raises:
        ConfigurationError: for a combination that cannot work.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep networks".
    """

    family = "gradient"
    state_type = GradientState

    def __init__(
        self,
        network: nn.Module,
        *,
        which: Selection = "all",
        head: str | None = None,
        optimiser: InnerOptimiser | None = None,
        outer_gradient: OuterGradient | None = None,
        steps: int = 1,
        test_steps: int | None = None,
        outer_loss: OuterLoss | None = None,
        loss: Loss | None = None,
        inner_loss: Loss | None = None,
        norm: Policy = "batch",
    ):
        self._run = FunctionalNetwork(network, norm)
        super().__init__(loss, norm if self._run.has_norms else "none")
        self.network = network
        self.adapted_names = select(network, which, head)
        self.optimiser = optimiser if optimiser is not None else SGD(0.01)
        self.outer_gradient = outer_gradient if outer_gradient is not None else Unrolled()
        self.outer_loss = outer_loss if outer_loss is not None else LastStep()
        self.inner_loss = inner_loss
        self.steps, self.test_steps = steps, test_steps if test_steps is not None else steps
        if min(self.steps, self.test_steps) < 1:
            raise ConfigurationError(f"An inner loop has at least 1 step; got {min(self.steps, self.test_steps)}.")
        self.outer_loss.weights(steps)  # says so here if it does not fit
        trainable = [name for name, p in network.named_parameters() if p.requires_grad]
        if not self.outer_gradient.uses_query_gradient and set(trainable) != set(self.adapted_names):
            rest = [name for name in trainable if name not in self.adapted_names]
            raise ConfigurationError(
                f"{type(self.outer_gradient).__name__} moves only what adapts, so {', '.join(rest[:3])} would never "
                "learn. Use which='all', or freeze the rest with requires_grad_(False)."
            )
        # With a head that adapts on a body that does not, the support features are computed once, not every step.
        # Only a Backbone is known to be head(features(x)): another module's forward may do more.
        self._split = (
            type(network).forward is Backbone.forward
            and all(name.startswith("head.") for name in self.adapted_names)
            and not _shared(network.get_submodule("features"), network, self.adapted_names)
        )
        if self._split:
            self._features = FunctionalNetwork(network.get_submodule("features"), norm)
            self._head = FunctionalNetwork(network.get_submodule("head"), norm)

    def start(self, ways: int | None = None) -> GradientState:
        """The state before the first step: the meta-parameters themselves."""
        parameters: dict[str, Tensor] = {name: self.network.get_parameter(name) for name in self.adapted_names}
        return GradientState(dict(parameters), self.optimiser.init(parameters), ways=ways)

    def step(self, state: GradientState, support: Examples, features: Tree | None = None) -> GradientState:
        """One inner step on the support examples.

        Args:
            state: where to start from.
            support: the examples.
            features: what the body makes of `support.x`, if it is already known and the body does not adapt.
        """

        def loss(parameters: dict[str, Tensor]) -> Tensor:
            if features is not None:
                prediction = self._head(_without_prefix(parameters, "head."), features, self._support_call(support))
            else:
                prediction = self._run(parameters, support.x, self._support_call(support))
            return mean_loss(self._inner_loss(support), cut_to_ways(prediction, state.ways), support)

        gradients, _ = gradient(loss, state.parameters, differentiable=self.outer_gradient.differentiable)
        new, optimiser = self.optimiser.update(gradients, state.optimiser, state.parameters, state.steps)
        return GradientState(new, optimiser, {}, state.steps + 1, state.ways)

    def adapt(self, support: Examples, state: GradientState | None = None) -> GradientState:
        """Takes `steps` inner steps (in `eval()`: `test_steps`) from the start, or on from `state`."""
        *_, last = self._walk(support, self.steps if self.training else self.test_steps, state)
        return self._with_statistics(last, support)

    def trajectory(self, support: Examples, steps: int) -> Iterator[GradientState]:
        """The states after 0, 1, ..., `steps` inner steps."""
        for state in self._walk(support, steps):
            yield self._with_statistics(state, support)

    def predict(self, state: GradientState, x: Tree, mask: Tensor | None = None) -> Any:
        """The adapted network's outputs for `x` `(N, ...)`, as many logits as the task has ways."""
        return self._predict(state, x, NormCall(self.visible(mask)))

    def objective(self, task: Task) -> Objective:
        """Query loss after adaptation; its gradient passes the inner loop as `outer_gradient` says."""
        steps = self.steps if self.training else self.test_steps
        weights = (self.outer_loss if self.training else LastStep()).weights(steps)
        collect = self.norm == "running" and self.training
        losses = []
        for weight, state in zip([0.0, *weights], self._walk(task.support, steps), strict=True):
            if not weight:
                continue
            judged = self._with_statistics(state, task.support)
            call = NormCall(self.visible(task.query.mask), collect=collect)
            with torch.set_grad_enabled(torch.is_grad_enabled() and self.outer_gradient.uses_query_gradient):
                prediction = self._predict(judged, task.query.x, call)
                losses.append(weight * self.query_loss(prediction, task.query))
        loss = sum(losses[1:], losses[0])
        start: dict[str, Tensor] = {name: self.network.get_parameter(name) for name in self.adapted_names}
        surrogate = self.outer_gradient.surrogate(start, state.parameters, loss)
        return Objective(surrogate, loss, prediction, {f"network.{name}": s for name, s in call.seen.items()})

    def per_task_modules(self) -> Iterable[nn.Module]:
        """The modules that own adapted parameters."""
        owners = {name.rpartition(".")[0] for name in self.adapted_names}
        return [self.network.get_submodule(name) for name in owners]

    def _predict(self, state: GradientState, x: Tree, call: NormCall) -> Any:
        call.running = self.norm == "running" and not self.training
        call.given = state.statistics or None
        return cut_to_ways(self._run(state.parameters, x, call), state.ways)

    def _walk(self, support: Examples, steps: int, state: GradientState | None = None) -> Iterator[GradientState]:
        features = self._support_features(support)
        state = self.start(support.ways) if state is None else state
        yield state
        for _ in range(steps):
            state = self.step(state, support, features)
            yield state

    def _inner_loss(self, support: Examples) -> Loss:
        return self.inner_loss or self.loss or default_loss(support.ways)

    def _support_call(self, support: Examples, collect: bool = False) -> NormCall:
        running = self.norm == "running" and not self.training
        return NormCall(self.visible(support.mask), running=running, collect=collect)

    def _support_features(self, support: Examples) -> Tree | None:
        if not self._split:
            return None
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.outer_gradient.differentiable):
            return self._features({}, support.x, self._support_call(support))

    def _with_statistics(self, state: GradientState, support: Examples) -> GradientState:
        if self.norm != "support":
            return state
        call = self._support_call(support, collect=True)
        self._run(state.parameters, support.x, call)
        return state._replace(statistics=call.seen)


def _shared(part: nn.Module, network: nn.Module, names: list[str]) -> bool:
    """Whether `part` holds one of the named parameters (tied weights)."""
    adapted = {id(network.get_parameter(name)) for name in names}
    return any(id(parameter) in adapted for parameter in part.parameters())


def _without_prefix(parameters: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in parameters.items()}
