"""What a learner is: an `nn.Module` whose parameters are what meta-learning learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from innerloop.losses import Loss, default_loss, mean_loss
from innerloop.mapping import Mapping, choose_mapping
from innerloop.mapping._trial import settle
from innerloop.mapping._workspace import Workspace
from innerloop.modules import in_mode
from innerloop.networks import Policy, Statistics
from innerloop.networks._norm import Absorbing
from innerloop.networks._norm_demands import demand_policy
from innerloop.sound import demand_sound
from innerloop.task import Examples, Task, Tree, is_padded

if TYPE_CHECKING:
    from innerloop.adapted import AdaptedModel

State = Any
"""What adaptation leaves behind: a NamedTuple of dicts of tensors (fast weights, prototypes, a context)."""


class Objective(NamedTuple):
    """What the outer loop needs of one task.

    Attributes:
        surrogate: scalar whose gradient is the meta-gradient.
        loss: scalar, the query loss. For most learners the same tensor as `surrogate`.
        prediction: for the query examples.
        statistics: batch statistics of norm layers that keep running averages.
    """

    surrogate: Tensor
    loss: Tensor
    prediction: Tree
    statistics: Statistics


@dataclass(frozen=True)
class Outcome:
    """Result of `learner(tasks)`.

    Attributes:
        loss: `()` mean query loss; `loss.backward()` fills the meta-gradient.
        losses: `(T,)` query loss of each task, detached.
        prediction: predictions for the query examples, stacked and detached.
    """

    loss: Tensor
    losses: Tensor
    prediction: Tree


class Learner(nn.Module, ABC):
    """Learns a task from its support set; its own parameters are what the outer loop trains.

    A subclass writes `adapt` and `predict` for ONE task (the mapping takes care of batches), and `objective` where
    the gradient is not simply the query loss's. One with a network derives from `innerloop.NetworkLearner`, which
    steers its norm layers.

    `functional_call` swaps parameters inside the shared modules, so a learner must not be used from two threads at
    once; give every thread a copy.

    Attributes:
        loss: `(prediction, examples) -> (N,)`; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers (see `innerloop.networks.Policy`).
        steps: inner steps in training; None: it learns a task without steps.
        test_steps: inner steps in `eval()` and in adapted models; None: it learns a task without steps.
        mapping: how tasks are mapped; None: chosen by a rule, in `innerloop.fit` by a short trial.
        spec: plain values from which the same learner can be built again, or None.
    """

    family: str = "own"
    """Its group in tables: gradient, metric, memory, transfer, trivial, or a word of your own."""
    steps: int | None = None
    test_steps: int | None = None
    needs_every_class: bool = True
    """Whether a task needs an example of each of its classes."""
    state_type: Callable[..., State] = dict
    """Makes a state from its fields by name, so that adapted models can be loaded without pickle."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "forward" in cls.__dict__:
            raise TypeError(f"{cls.__name__} must not write `forward`, which maps `objective` over tasks: write that.")

    def __init__(self, loss: Loss | None = None, norm: Policy = "none"):
        super().__init__()
        self.loss, self.norm = loss, norm
        self.mapping: Mapping | None = None
        self.spec: dict[str, Any] | None = None
        self.name = type(self).__name__
        self._padded: bool | None = None
        self._workspace = Workspace()

    @abstractmethod
    def adapt(self, support: Examples, state: State | None = None) -> State:
        """Learns one task from its support examples, from the start or going on from a state."""

    @abstractmethod
    def predict(self, state: State, x: Tree, mask: Tensor | None = None) -> Any:
        """Predictions for inputs `x` `(N, ...)` in the task that `state` has learned."""

    def objective(self, task: Task) -> Objective:
        """One task's contribution to the meta-objective: by default the query loss after adaptation."""
        prediction = self.predict(self.adapt(task.support), task.query.x, task.query.mask)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, {})

    def trajectory(self, support: Examples, steps: int) -> Iterator[State]:
        """The states after 0, 1, ..., `steps` steps. A learner without steps has one state."""
        yield self.adapt(support)

    def moved(self, state: State) -> Tree:
        """What of a state the inner steps move: by default all of it, for gradient steps the parameters."""
        return state

    def per_task_modules(self) -> Iterable[nn.Module]:
        """Modules whose own weights differ from task to task; the choice of a mapping depends on them."""
        return ()

    def begin_step(self, outer_step: int) -> None:
        """Hears from `fit` how far meta-training has come, before every outer step: for what is annealed."""

    def why_one_by_one(self) -> str | None:
        """A reason why tasks must be taken one after the other, or None if there is none."""
        return None

    def training_source(self, source: Any) -> Any:
        """The view of a task source that this learner trains on (pretraining takes the flat one)."""
        return source

    def query_loss(self, prediction: Any, examples: Examples) -> Tensor:
        """The outer loss: a scalar."""
        return mean_loss(self.loss or default_loss(examples.ways), prediction, examples)

    def forward(self, tasks: Task) -> Outcome:
        """The meta-objective of a batch of tasks.

        Args:
            tasks: stacked tasks, every leaf `(T, ...)`.

        Raises:
            DataError: if the tasks hold NaN or labels outside the ways.
            TrainingError: if a parameter has no meta-gradient.
        """
        demand_sound(tasks)
        attach, (losses, prediction, statistics) = self._mapped(tasks, self.mapping_for(tasks))
        self._absorb(statistics)
        loss = losses.mean()
        return Outcome(attach(loss) if attach else loss, losses, prediction)

    def _mapped(
        self, tasks: Task, mapping: Mapping, fall_back: bool = True
    ) -> tuple[Callable[[Tensor], Tensor] | None, Tree]:
        """What attaches the meta-gradient (None where there is none to take), and the objectives' reports."""
        parameters = {name: p for name, p in self.named_parameters() if p.requires_grad}

        def one(task: Task) -> tuple[Tensor, Tree]:
            found = self.objective(task)
            return found.surrogate, (found.loss, found.prediction, found.statistics)

        self._padded = is_padded(tasks)
        try:
            if parameters and torch.is_grad_enabled():
                return mapping.map_with_gradient(one, tasks, parameters, self, self._workspace, fall_back)
            return None, mapping.map(lambda task: one(task)[1], tasks, self, self._workspace)
        finally:
            self._padded = None

    def settle_mapping(
        self,
        tasks: Task,
        asked: Mapping | None = None,
        *,
        steps: int = 1_000,
        chunk: int | None = None,
        memory: int | None = None,
    ) -> Mapping:
        """The mapping for a training on tasks like these, tried out on them; nothing of the learner is changed.

        Args:
            tasks: a batch as it will come in training.
            asked: a mapping to take if it is possible, or the next simpler one that is; None: candidates that the rule
                names are timed, for a tenth of the training time to come and 15 seconds at most.
            steps: how many such batches are to come.
            chunk: the most tasks in flight.
            memory: the most bytes of a step.
        """
        demand_sound(tasks)

        def attempt(mapping: Mapping, tasks: Task, seconds: float) -> None:
            with self._workspace.graphs.within(seconds):
                self._mapped(tasks, mapping, fall_back=False)

        def within(mapping: Mapping) -> Mapping:
            return self._workspace.within(mapping, tasks, lambda small, few: attempt(small, few, float("inf")), self)

        rule = self._rule(tasks)
        if asked is None and self.why_one_by_one() is not None:
            asked = rule
        with in_mode(self, training=True):
            found = settle(rule, asked, attempt, within, tasks, self, steps=steps, chunk=chunk, memory=memory)
        self._workspace.graphs.only(found.way)  # those of the others in the trial hold memory on a GPU
        return found

    def mapping_for(self, tasks: Task) -> Mapping:
        """The mapping in force: `self.mapping`, or what the rule picks for tasks like these."""
        if self.mapping is not None:
            return self.mapping
        return self._rule(tasks)

    def _rule(self, tasks: Task) -> Mapping:
        if (reason := self.why_one_by_one()) is not None:
            return Mapping(vectorise=False, reason=reason)
        return choose_mapping(self.modules(), self.per_task_modules(), tasks)

    def visible(self, mask: Tensor | None) -> Tensor | None:
        """The mask, or None where no row is padding: that case is common and has a faster way through the norms.

        Under `vmap` a mask cannot be looked into, so `forward` and the evaluation look before they map.
        """
        if mask is None or self._padded is False:
            return None
        return mask if self._padded or not bool(mask.all()) else None

    def set_norm(self, policy: Policy) -> None:
        """Changes the policy of the norm layers; a learner without such layers stays at "none".

        Raises:
            ConfigurationError: if there is no such policy, or the network has norm layers that cannot follow it.
        """
        if self.norm == "none":
            demand_policy(nn.Identity(), policy)
            return
        demand_policy(self, policy)
        self.norm = policy

    def map(self, function: Callable[[Task], Tree], tasks: Task) -> Tree:
        """`function` of every task under this learner's mapping, stacked, without gradients."""
        self._padded = is_padded(tasks)
        try:
            return self.mapping_for(tasks).map(function, tasks, self, self._workspace)
        finally:
            self._padded = None

    def mapping_of_map(self, tasks: Task) -> Mapping:
        """The mapping that `map` takes for tasks like these: never a graph, and simpler where a try has failed."""
        return self._workspace.instead_of(replace(self.mapping_for(tasks), graph="eager"))

    def adapted(self, x: Tree, y: Tree, *, classes: Sequence[str] | None = None) -> AdaptedModel:
        """A plain `nn.Module` that has learned one task: give it inputs, it gives predictions.

        Args:
            x: support inputs `(N, ...)`.
            y: support targets `(N, ...)`; whole numbers are class labels `0..ways-1`, floats a regression.
            classes: names of the classes, kept with the model.

        Raises:
            DataError: for NaN, labels that are not `0..ways-1`, or shapes that do not fit.
        """
        from innerloop.adapted import adapted_model

        return adapted_model(self, x, y, classes)

    def _absorb(self, statistics: Statistics) -> None:
        if self.training and statistics:
            for name, module in self.named_modules():
                if isinstance(module, Absorbing) and name in statistics:
                    mean, variance = statistics[name]
                    module.absorb(mean.mean(0), variance.mean(0))
