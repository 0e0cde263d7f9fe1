"""Losses of a policy on examples made of episodes: the first derivative is the policy gradient in all of them.

They differ in the second derivative, which is what the gradient through an inner step sees. `A` is the advantage,
`π` the policy, `π_old` the one that drew the actions, `⊥` the value without a gradient.

Each is an ordinary loss, `(prediction, examples) -> (N,)`, for examples that `Trajectories.examples` made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError
from innerloop.rl._distributions import Actions, log_prob
from innerloop.rl._trajectories import Decisions
from innerloop.task import Examples


def decisions(examples: Examples) -> Decisions:
    """What was done and how good it was.

    Raises:
        DataError: if the examples were not made of episodes.
    """
    if not isinstance(examples.y, Decisions):
        raise DataError(
            f"Losses of a policy need targets of type Decisions; got {type(examples.y).__name__}. Make the examples "
            "with innerloop.rl.Trajectories.examples."
        )
    return examples.y


def reinforce(policy: Actions, examples: Examples) -> Tensor:
    """`-log π(a) A`: its second derivative lacks the term `∇ log π ∇ log π' A`, so the gradient through it is biased.

    Source: Williams 1992; as an inner loss: Finn, Abbeel and Levine 2017.
    """
    done = decisions(examples)
    return -log_prob(policy, done.action) * done.advantage


def lvc(policy: Actions, examples: Examples) -> Tensor:
    """`-π(a) / π_old(a) A`: low-variance curvature, the default of the inner loop.

    At `π = π_old` the gradient is that of `reinforce`, and the second derivative has the term that it lacks. As a
    loss of the outer loop it is the surrogate of trust regions.

    Source: Rothfuss et al. 2019, "ProMP: proximal meta-policy search", section 5.
    """
    done = decisions(examples)
    return -(log_prob(policy, done.action) - done.log_prob).exp() * done.advantage


def dice(policy: Actions, examples: Examples) -> Tensor:
    """`-(□_t - □_{t-1}) A_t` with `□_t = exp(W_t - ⊥W_t)`, `W_t = Σ_{s <= t} log π(a_s)`: unbiased, high variance.

    An action's probability also counts for the second derivative of all that came later. Its value is 0; its
    derivatives are what it is for.

    Source: Foerster et al. 2018, "DiCE: the infinitely differentiable Monte Carlo estimator"; with advantages:
    Farquhar, Whiteson and Foerster 2019, "Loaded DiCE", equation 8 with λ = 1.
    """
    done = decisions(examples)
    each = log_prob(policy, done.action)
    each = torch.where(examples.mask, each, 0)
    total = each.cumsum(0)
    before = total - each
    # the sum before the episode's first row belongs to other episodes
    start = torch.arange(len(examples), device=each.device) - done.time
    own = before.gather(0, start)
    return -(_magic_box(total - own) - _magic_box(before - own)) * done.advantage


@dataclass(frozen=True)
class Clipped:
    """`-min(ρ A, clip(ρ, 1 - ε, 1 + ε) A)` with the ratio `ρ = π(a) / π_old(a)`: the outer loss of ProMP.

    Args:
        epsilon: how far the ratio may go.

    Raises:
        ConfigurationError: if epsilon is not between 0 and 1.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms", equation 7.
    """

    epsilon: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < 1:
            raise ConfigurationError(f"epsilon must be between 0 and 1; got {self.epsilon}.")

    def __call__(self, policy: Actions, examples: Examples) -> Tensor:
        """One loss per row."""
        done = decisions(examples)
        ratio = (log_prob(policy, done.action) - done.log_prob).exp()
        near = ratio.clamp(1 - self.epsilon, 1 + self.epsilon)
        return -torch.minimum(ratio * done.advantage, near * done.advantage)


def _magic_box(value: Tensor) -> Tensor:
    return (value - value.detach()).exp()
