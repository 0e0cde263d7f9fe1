"""Which layers have to adapt: each of them frozen, and each of them alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from innerloop.evaluation import Difference, Evaluation, Interval, evaluate, interval
from innerloop.evaluation._words import value
from innerloop.explain._analysis import Analysis
from innerloop.explain._layers import layers_of
from innerloop.explain._over_tasks import demand, demand_steps, paired
from innerloop.explain._words import better, by, worse
from innerloop.gradient import InnerOptimiser
from innerloop.gradient._optimisers import OptimiserState, Parameters
from innerloop.learner import Learner
from innerloop.task import Source


class Only(InnerOptimiser):
    """Another inner optimiser for some of the parameters; the others stay where they are.

    Args:
        optimiser: the other one.
        names: the parameters that it may change.
    """

    def __init__(self, optimiser: InnerOptimiser, names: Iterable[str]):
        super().__init__()
        self.optimiser, self.names = optimiser, frozenset(names)

    def init(self, parameters: Parameters) -> OptimiserState:
        """The other one's state, for its parameters."""
        return self.optimiser.init(self._chosen(parameters)) if self.names else {}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of the other one."""
        if not self.names:
            return parameters, state
        chosen = self._chosen(parameters)
        new, state = self.optimiser.update(self._chosen(gradients), state, chosen, step, loss)
        return parameters | new, state

    def _chosen(self, parameters: Parameters) -> Parameters:
        return {name: p for name, p in parameters.items() if name in self.names}


@dataclass(frozen=True)
class LayerFreezing:
    """One layer.

    Attributes:
        name: of the layer.
        head: whether it belongs to the head.
        frozen: the metric when all layers adapt but this one.
        only: the metric when this layer alone adapts.
        frozen_difference: `frozen` minus everything, paired over tasks.
        only_difference: `only` minus everything.
    """

    name: str
    head: bool
    frozen: Interval
    only: Interval
    frozen_difference: Difference
    only_difference: Difference


@dataclass(frozen=True)
class Freezing(Analysis):
    """What the adaptation of single layers is worth, on the same tasks.

    Attributes:
        metric: "accuracy" or "squared error".
        everything: the metric when everything adapts that the learner adapts.
        nothing: the metric when nothing does.
        gain: everything minus nothing, paired over tasks.
        layers: those that adapt, in the network's order.
        tasks: tasks behind the means.
    """

    metric: str
    everything: Interval
    nothing: Interval
    gain: Difference
    layers: list[LayerFreezing]
    tasks: int

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("no layer adapts")

    @property
    def sentences(self) -> list[str]:
        """What adaptation is worth, which layer is missed most, and which one suffices."""
        metric, named = self.metric, lambda number: value(number, self.metric == "accuracy")
        ends = f"from {named(self.nothing.mean)} to {named(self.everything.mean)}"
        if better(self.gain, metric):
            said = [f"Adaptation helps: {metric} goes {ends}, by {by(self.gain, metric)}."]
        elif worse(self.gain, metric):
            said = [f"Adaptation harms: {metric} goes {ends}, by {by(self.gain, metric)}."]
        else:
            said = [f"No gain from adaptation seen: {metric} goes {ends}."]
        if len(self.layers) < 2:
            return [*said, f"Only {self.layers[0].name} adapts."]
        sign = 1 if metric == "accuracy" else -1
        # what diverged has no mean
        layers = [layer for layer in self.layers if np.isfinite(layer.frozen.mean) and np.isfinite(layer.only.mean)]
        if not layers:
            return said
        missed = min(layers, key=lambda layer: sign * layer.frozen.mean)
        if worse(missed.frozen_difference, metric):
            cost = f"{metric} goes to {named(missed.frozen.mean)}, worse by {by(missed.frozen_difference, metric)}"
            said.append(f"Freezing {missed.name} costs most: {cost}.")
        else:
            said.append("No single layer is missed: freezing any one of them costs nothing that is seen.")
        alone = max(layers, key=lambda layer: sign * layer.only.mean)
        if worse(alone.only_difference, metric):
            lost = f"worse than everything by {by(alone.only_difference, metric)}"
        elif better(alone.only_difference, metric):
            lost = f"better than everything by {by(alone.only_difference, metric)}"
        else:
            lost = "no difference from everything seen"
        said.append(f"Of layers that adapt alone {alone.name} does best: {named(alone.only.mean)}, {lost}.")
        return said


def freezing(learner: Learner, source: Source, tasks: int = 200, *, first: int = 0, batch: int = 50) -> Freezing:
    """The metric when everything adapts, with each layer frozen, and with each layer alone; on the same tasks.

    The learner is taken as it was trained: a layer that is not needed here might have been needed in training.

    Args:
        learner: a gradient learner.
        source: a split of tasks.
        tasks: how many tasks.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: for a learner without gradient steps.

    Source: Raghu et al. 2020, "Rapid learning or feature reuse?", section 3.2 (freezing layers at test time).
    """
    found = demand_steps(learner, "there is no layer to freeze")
    demand(tasks, batch)
    names = set(found.adapted_names)
    layers = [layer for layer in layers_of(found.network) if names & set(layer.parameters)]

    def measured(allowed: Iterable[str]) -> Evaluation:
        variant = copy.deepcopy(found)  # the learner itself stays as it is
        variant.optimiser = Only(variant.optimiser, allowed)
        return evaluate(variant, source, tasks, first=first, batch=batch)

    whole = measured(names)
    everything, nothing = whole.values, measured(()).values
    rows = []
    for layer in layers:
        own = set(layer.parameters)
        frozen, only = measured(names - own).values, measured(names & own).values
        rows.append(
            LayerFreezing(
                layer.name,
                layer.head,
                interval(frozen),
                interval(only),
                paired(frozen, everything),
                paired(only, everything),
            )
        )
    return Freezing(whole.metric, interval(everything), interval(nothing), paired(everything, nothing), rows, tasks)
