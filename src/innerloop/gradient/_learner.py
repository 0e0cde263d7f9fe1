"""The gradient family: learn a task by a few steps of an inner optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.gradient._combination import demand_sense
from innerloop.gradient._optimisers import SGD, InnerOptimiser, Parameters, Step
from innerloop.gradient._outer_gradient import InnerLoop, OuterGradient, Unrolled
from innerloop.gradient._outer_loss import LastStep, OuterLoss
from innerloop.gradient._recompute import recomputed_steps
from innerloop.gradient._selection import Selection, select
from innerloop.gradient._start import Start, demand_replaceable_head, head_names, prototype_head, shared_head
from innerloop.gradient._state import GradientState
from innerloop.learner import Objective
from innerloop.losses import Loss, default_loss, mean_loss
from innerloop.mapping import gradient
from innerloop.network_learner import NetworkLearner, within
from innerloop.networks import Backbone, FunctionalNetwork, NormCall, Policy, Statistics
from innerloop.task import Examples, Task, Tree
from innerloop.ways import cut_to_ways, demand_same_ways


class GradientLearner(NetworkLearner):
    """Adapts a network by gradient steps on the support loss; four choices make its members.

        p_0 = θ,   p_{k+1} = optimiser(p_k, ∇ L_support(p_k)),   outer loss = L_query(p_K)

    Args:
        network: any module.
        which: parameters that adapt (see `select`).
        head: name pattern of the head, where `which` speaks of it.
        optimiser: the inner optimiser, or a plain function `(gradients, parameters) -> parameters`.
        outer_gradient: how the outer gradient passes the inner loop.
        steps: inner steps in training.
        test_steps: inner steps in `eval()` and in adapted models; None: as in training.
        outer_loss: which states of the inner loop the outer loss sees in training; None: the last.
        start: "parameters": the meta-parameters; "prototypes": with a head made of the support set's class means;
            "shared": with a head in which every class starts from the one vector that `network.head` holds.
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
    # gradient steps give every logit a meaning that it had in training
    needs_every_class = False
    steps: int
    test_steps: int

    def __init__(
        self,
        network: nn.Module,
        *,
        which: Selection = "all",
        head: str | None = None,
        optimiser: InnerOptimiser | Callable[[Parameters, Parameters], Parameters] | None = None,
        outer_gradient: OuterGradient | None = None,
        steps: int = 1,
        test_steps: int | None = None,
        outer_loss: OuterLoss | None = None,
        start: Start = "parameters",
        loss: Loss | None = None,
        inner_loss: Loss | None = None,
        norm: Policy = "batch",
    ):
        super().__init__(network, loss=loss, norm=norm)
        self.starts_at = start
        if start != "parameters":
            demand_replaceable_head(network, start)
        made = head_names(network) if start != "parameters" else []
        # a head that is made anew adapts without being trained, so that `select` does not see it
        selected = [] if made and which == "head" else select(network, which, head)
        self.adapted_names = selected + [name for name in made if name not in selected]
        self.optimiser = _inner_optimiser(optimiser)
        self.optimiser.build({name: network.get_parameter(name).detach() for name in self.adapted_names})
        self.outer_gradient = outer_gradient if outer_gradient is not None else Unrolled()
        self.outer_loss = outer_loss if outer_loss is not None else LastStep()
        self.inner_loss = inner_loss
        self.steps = at_least("steps", steps, 1)
        self.test_steps = at_least("test_steps", test_steps if test_steps is not None else steps, 1)
        self.outer_loss.weights(steps)  # says so here if it does not fit
        self._others = [
            name for name, p in network.named_parameters() if p.requires_grad and name not in self.adapted_names
        ]
        self._demand_sense()
        self._chosen = (self.outer_gradient, self.outer_loss)
        self._now = (self.outer_gradient.at(0), self.outer_loss.at(0))
        # With a head that adapts on a body that does not, the support features are computed once, not every step.
        # Only a Backbone is known to be head(features(x)): another module's forward may do more.
        self._split = (
            type(network).forward is Backbone.forward
            and all(name.startswith("head.") for name in self.adapted_names)
            and not _shared(network.get_submodule("features"), network, self.adapted_names)
            and not self._run.changes_with_steps
        )
        if isinstance(network, Backbone):
            self._features = FunctionalNetwork(network.get_submodule("features"), norm)
            self._head = FunctionalNetwork(network.get_submodule("head"), norm)

    def begin_step(self, outer_step: int) -> None:
        """Chooses what is annealed for an outer step."""
        chosen = (self.outer_gradient, self.outer_loss)
        now = (self.outer_gradient.at(outer_step), self.outer_loss.at(outer_step))
        # left as it is where nothing changes: a captured graph looks at attributes
        if self._chosen != chosen or self._now != now:
            self._chosen, self._now = chosen, now

    def _phase(self) -> tuple[OuterGradient, OuterLoss]:
        if self._chosen != (self.outer_gradient, self.outer_loss):  # somebody has set another one since
            self._demand_sense()
            self.begin_step(0)
        return self._now

    def start(self, support: Examples, features: Tree | None = None) -> GradientState:
        """The state before the first step.

        Args:
            support: the support examples.
            features: what the body makes of `support.x`, if it is already known.
        """
        parameters: dict[str, Tensor] = {name: self.network.get_parameter(name) for name in self.adapted_names}
        if self.starts_at == "prototypes":
            if features is None:
                features = self._features({}, support.x, self._support_call(support, 0))
            parameters |= prototype_head(self.network.get_submodule("head"), features, support)
        elif self.starts_at == "shared":
            parameters |= shared_head(self.network.get_submodule("head"), support)
        return GradientState(dict(parameters), self.optimiser.init(parameters), ways=support.ways)

    def step(
        self, state: GradientState, support: Examples, features: Tree | None = None, *, keep_graph: bool | None = None
    ) -> GradientState:
        """One inner step on the support examples.

        Args:
            state: where to start from.
            support: the examples.
            features: what the body makes of `support.x`, if it is already known and the body does not adapt.
            keep_graph: whether the inner gradient keeps its graph; None: as the outer gradient says of this step.
        """
        adjoint, _ = self._phase()
        if keep_graph is None:
            keep_graph = adjoint.keeps_graph(state.steps, max(self.steps, state.steps + 1))

        def loss(parameters: dict[str, Tensor]) -> Tensor:
            found = self._support_loss(parameters, support, features, state)
            return found if not self._pulled(adjoint) else found + self._pull(adjoint, parameters)

        gradients, value = gradient(loss, state.parameters, differentiable=keep_graph)
        new, optimiser = self.optimiser.update(gradients, state.optimiser, state.parameters, state.steps, value)
        return GradientState(new, optimiser, {}, state.steps + 1, state.ways)

    def adapt(self, support: Examples, state: GradientState | None = None) -> GradientState:
        """Takes `steps` inner steps (in `eval()`: `test_steps`) from the start, or on from `state`.

        Raises:
            DataError: if `state` is of a task with another number of classes.
        """
        demand_same_ways(support, state)
        steps = self.steps if self.training else self.test_steps
        *_, last = self._walk(support, steps, state, self._phase()[0].stride)
        return self._with_statistics(last, support)

    def trajectory(self, support: Examples, steps: int) -> Iterator[GradientState]:
        """The states after 0, 1, ..., `steps` inner steps."""
        for state in self._walk(support, steps):
            yield self._with_statistics(state, support)

    def predict_under(self, state: GradientState, x: Tree, call: NormCall) -> Any:
        """The adapted network's outputs for `x` `(N, ...)`, as many logits as the task has ways."""
        call.step = max(state.steps - 1, 0)
        return cut_to_ways(self.run(x, call, state.parameters), state.ways)

    def objective(self, task: Task) -> Objective:
        """Query loss after adaptation; its gradient passes the inner loop as `outer_gradient` says."""
        steps = self.steps if self.training else self.test_steps
        adjoint, outer_loss = self._phase()
        weights = (outer_loss if self.training else LastStep()).weights(steps)
        wanted = adjoint.uses_query_gradient and (adjoint.uses_path or bool(self._others))
        losses = []
        handed_on = [0, *range(adjoint.stride, steps, adjoint.stride), steps]
        for after, passed in zip(handed_on, self._walk(task.support, steps, stride=adjoint.stride), strict=True):
            if after == 0 or not (weight := weights[after - 1]):
                continue
            state = passed if adjoint.uses_path else _cut(passed)
            with torch.set_grad_enabled(torch.is_grad_enabled() and wanted):
                seen = self._judge(state, task)
                losses.append(weight * seen.loss)
        end = state  # the last weight is never zero
        loop = InnerLoop(
            start={name: self.network.get_parameter(name) for name in self.adapted_names},
            end=passed.parameters,
            loss=sum(losses[1:], losses[0]),
            query_loss=lambda p: self._judge(end._replace(parameters=p), task).loss,
            support_loss=lambda p: self._support_loss(p, task.support, None, end),
            others=bool(self._others),
        )
        return Objective(adjoint.surrogate(loop), loop.loss, seen.prediction, seen.statistics)

    def moved(self, state: GradientState) -> dict[str, Tensor]:
        """The adapted parameters."""
        return state.parameters

    def per_task_modules(self) -> Iterable[nn.Module]:
        """The modules that own adapted parameters."""
        owners = {name.rpartition(".")[0] for name in self.adapted_names}
        return [self.network.get_submodule(name) for name in owners]

    def why_one_by_one(self) -> str | None:
        """Inner steps that are recomputed cannot be vectorised."""
        return "recomputed inner steps cannot be vectorised" if self.outer_gradient.recompute else None

    def _judge(self, state: GradientState, task: Task) -> _Judged:
        state = self._with_statistics(state, task.support)
        call = self.query_call(state, task.query.mask)
        call.collect = self.collects
        prediction = self.predict_under(state, task.query.x, call)
        return _Judged(self.query_loss(prediction, task.query), prediction, within("network", call.seen))

    def _walk(
        self, support: Examples, steps: int, state: GradientState | None = None, stride: int = 1
    ) -> Iterator[GradientState]:
        """The first state, that after every `stride` steps, and the last."""
        adjoint, _ = self._phase()
        features = self._support_features(support, adjoint.keeps_graph(steps - 1, steps)) if self._split else None
        state = self.start(support, features) if state is None else state
        yield state
        for first in range(0, steps, stride):
            keep = [adjoint.keeps_graph(number, steps) for number in range(first, min(first + stride, steps))]
            state = self._go_on(support, keep, (state, features))
            yield state

    def _go_on(self, support: Examples, keep: list[bool], at: tuple[GradientState, Tree | None]) -> GradientState:
        """As many steps as `keep` has entries; each says whether its gradient keeps its graph."""

        def step(keep_graph: bool, at: tuple[GradientState, Tree | None]) -> GradientState:
            return self.step(at[0], support, at[1], keep_graph=keep_graph)

        steps = [partial(step, each) for each in keep]
        if self._phase()[0].recompute and torch.is_grad_enabled():
            found: GradientState = recomputed_steps(steps, *at, [p for p in self.parameters() if p.requires_grad])
            return found
        state, features = at
        for take in steps:
            state = take((state, features))
        return state

    def _support_loss(
        self, parameters: Parameters, support: Examples, features: Tree | None, state: GradientState
    ) -> Tensor:
        call = self._support_call(support, state.steps)
        if features is not None:
            prediction = self._head(_without_prefix(parameters, "head."), features, call)
        else:
            prediction = self.run(support.x, call, parameters)
        return mean_loss(self._inner_loss(support), cut_to_ways(prediction, state.ways), support)

    def _inner_loss(self, support: Examples) -> Loss:
        return self.inner_loss or self.loss or default_loss(support.ways)

    def _pulled(self, adjoint: OuterGradient) -> bool:
        return self.training and adjoint.proximal > 0

    def _pull(self, adjoint: OuterGradient, parameters: Parameters) -> Tensor:
        """`λ/2 |p - θ|²`."""
        away = [(p - self.network.get_parameter(name).detach()).square().sum() for name, p in parameters.items()]
        return 0.5 * adjoint.proximal * torch.stack(away).sum()

    def _support_call(self, support: Examples, step: int, collect: bool = False) -> NormCall:
        call = self.norm_call(support.mask, collect=collect)
        call.step = step
        return call

    def _support_features(self, support: Examples, keep_graph: bool) -> Tree:
        with torch.set_grad_enabled(torch.is_grad_enabled() and (keep_graph or self.starts_at == "prototypes")):
            return self._features({}, support.x, self._support_call(support, 0))

    def _with_statistics(self, state: GradientState, support: Examples) -> GradientState:
        if self.norm != "support":
            return state
        call = self._support_call(support, max(state.steps - 1, 0), collect=True)
        self.run(support.x, call, state.parameters)
        return state._replace(statistics=call.kept)

    def _demand_sense(self) -> None:
        demand_sense(self.outer_gradient, self.outer_loss, self.optimiser, self.starts_at, self._others)


class _Judged(NamedTuple):
    loss: Tensor
    prediction: Any
    statistics: Statistics


def _cut(state: GradientState) -> GradientState:
    return state._replace(parameters={name: p.detach() for name, p in state.parameters.items()})


def _shared(part: nn.Module, network: nn.Module, names: list[str]) -> bool:
    """Whether `part` holds one of the named parameters (tied weights)."""
    adapted = {id(network.get_parameter(name)) for name in names}
    return any(id(parameter) in adapted for parameter in part.parameters())


def _without_prefix(parameters: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in parameters.items()}


def _inner_optimiser(given: InnerOptimiser | Callable[[Parameters, Parameters], Parameters] | None) -> InnerOptimiser:
    if given is None:
        return SGD(0.01)
    return given if isinstance(given, InnerOptimiser) else Step(given)
