"""The policies of several tasks, acting side by side."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.gradient import GradientLearner, GradientState
from innerloop.mapping import Mapping
from innerloop.rl._over_tasks import over_tasks, rows
from innerloop.task import Examples, Tree


class Policies:
    """A learner's policy in the same state for all tasks, or in one state for each.

    Args:
        learner: a learner whose `predict` gives distributions over actions.
        state: what `adapted` gave; None: nothing has been learned yet.
        mapping: whether tasks with weights of their own run side by side.
    """

    def __init__(self, learner: GradientLearner, state: GradientState | None = None, mapping: Mapping | None = None):
        self.learner, self.state = learner, state
        self.mapping = mapping or Mapping(vectorise=True)

    def __call__(self, observation: Tensor) -> Any:
        """Distributions over actions, `(T, E, ...)`, for observations `(T, E, O)`."""
        if self.state is None:
            flat = self.learner.predict(GradientState({}), observation.flatten(0, 1))
            return _unflatten(flat, observation.shape[:2])
        steps = self.state.steps

        def act(parameters: Tree, seen: Tensor) -> Any:
            return self.learner.predict(GradientState(parameters, steps=steps), seen)

        return over_tasks(act, self.state.parameters, observation, mapping=self.mapping)

    def alone(self, task: int) -> LonePolicy:
        """The policy of one task, for batches that hold only that task; it can be sent to another process."""
        parameters = {} if self.state is None else rows(self.state.parameters, task)
        return LonePolicy(self.learner.network, parameters)

    @torch.no_grad()
    def adapted(self, support: Examples) -> Policies:
        """The policies after learning from episodes, from the start or going on from where they are.

        Args:
            support: a batch, every leaf `(T, N, ...)`.
        """
        before = self.state

        def adapt(own: Examples, parameters: Tree, optimiser: Tree) -> Tree:
            state = None if before is None else GradientState(parameters, optimiser, steps=before.steps)
            found = self.learner.adapt(own, state)
            return found.parameters, found.optimiser

        parameters, optimiser = ({}, {}) if before is None else (before.parameters, before.optimiser)
        parameters, optimiser = over_tasks(adapt, support, parameters, optimiser, mapping=self.mapping)
        taken = self.learner.steps if self.learner.training else self.learner.test_steps
        steps = taken + (0 if before is None else before.steps)
        return Policies(self.learner, GradientState(parameters, optimiser, steps=steps), self.mapping)


def _unflatten(tree: Tree, shape: torch.Size) -> Tree:
    return pytree.tree_map(lambda leaf: leaf.unflatten(0, shape), tree)


class LonePolicy:
    """A policy with parameters of its own, without the learner that they come from.

    Args:
        network: the policy.
        parameters: in place of its own, by name.
    """

    def __init__(self, network: nn.Module, parameters: dict[str, Tensor]):
        # a copy, and not functional_call: one observation at a time, the call itself is what takes time
        self.network = copy.deepcopy(network).requires_grad_(False)
        for name, value in parameters.items():
            self.network.get_parameter(name).copy_(value)

    def __call__(self, observation: Tensor) -> Any:
        """Distributions over actions, `(1, E, ...)`, for observations `(1, E, O)`."""
        return pytree.tree_map(lambda leaf: leaf[None], self.network(observation[0]))
