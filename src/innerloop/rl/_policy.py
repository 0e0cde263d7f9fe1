"""Policies: networks from observations to the parameters of a distribution over actions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.rl._distributions import CategoricalActions, NormalActions
from innerloop.rl._environments import Environments
from innerloop.rl._spaces import Continuous

LOWEST = -13.8
"""Floor of the learned log-std, log(1e-6) as in the papers' code: below it densities overflow."""


class GaussianPolicy(nn.Module):
    """Normal actions: the mean is a perceptron's output, the standard deviation a parameter.

        π(a | s) = N(f(s), exp(2 ρ))

    The parameter `log_std` (ρ) is adapted with the rest, as in the papers.

    Args:
        observation: numbers in an observation.
        actions: numbers in an action.
        hidden: widths of the hidden layers, with tanh between them.
        std: the standard deviation at the start.

    >>> GaussianPolicy(2, 3)(torch.zeros(5, 2)).mean.shape
    torch.Size([5, 3])
    """

    def __init__(self, observation: int, actions: int, hidden: Sequence[int] = (64, 64), std: float = 1.0):
        super().__init__()
        if not std > 0:
            raise ConfigurationError(f"The standard deviation of a policy is a positive number; got {std}.")
        self.spec: dict[str, Any] = {
            "policy": "gaussian", "observation": observation, "actions": actions, "hidden": list(hidden), "std": std,
        }  # fmt: skip
        self.body = tanh_layers(observation, actions, hidden)
        self.log_std = nn.Parameter(torch.full((actions,), std).log())

    def forward(self, observation: Tensor) -> NormalActions:
        """Distributions over actions `(N, A)` for observations `(N, O)`."""
        mean = self.body(observation)
        return NormalActions(mean, self.log_std.clamp(min=LOWEST).expand_as(mean))


class CategoricalPolicy(nn.Module):
    """A choice among actions, with a perceptron's outputs as logits.

    Args:
        observation: numbers in an observation.
        actions: how many actions there are.
        hidden: widths of the hidden layers, with tanh between them.

    >>> CategoricalPolicy(2, 3)(torch.zeros(5, 2)).logits.shape
    torch.Size([5, 3])
    """

    def __init__(self, observation: int, actions: int, hidden: Sequence[int] = (64, 64)):
        super().__init__()
        self.spec: dict[str, Any] = {
            "policy": "categorical", "observation": observation, "actions": actions, "hidden": list(hidden),
        }  # fmt: skip
        self.body = tanh_layers(observation, actions, hidden)

    def forward(self, observation: Tensor) -> CategoricalActions:
        """Distributions over `A` actions for observations `(N, O)`."""
        return CategoricalActions(self.body(observation))


def tanh_layers(inputs: int, outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """A perceptron with tanh: smooth, so that its second derivatives say something.

    Glorot weights and zero biases, as in the papers' code.
    """
    layers: list[nn.Module] = []
    for size, following in pairwise([inputs, *hidden, outputs]):
        layer = nn.Linear(size, following)
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def policy_for(
    environment: Environments, hidden: Sequence[int] = (64, 64), std: float = 1.0
) -> GaussianPolicy | CategoricalPolicy:
    """A policy of the kind that an environment needs.

    Args:
        environment: any split of a family.
        hidden: widths of the hidden layers.
        std: the standard deviation at the start, for continuous actions.

    >>> from innerloop.rl import Navigation
    >>> type(policy_for(Navigation().train)).__name__
    'GaussianPolicy'
    """
    if isinstance(environment.action, Continuous):
        return GaussianPolicy(environment.observation, environment.action.size, hidden, std)
    return CategoricalPolicy(environment.observation, environment.action.size, hidden)
