"""What a policy says of its next action: the parameters of a distribution, as a tree of tensors.

A log-likelihood is always SUMMED over the dimensions of an action: a mean over them would be another policy's, and
every probability ratio made of it wrong.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from innerloop.errors import DataError


class NormalActions(NamedTuple):
    """Independent normal distributions, one for every dimension of an action.

    Attributes:
        mean: `(..., A)`.
        log_std: `(..., A)`, the logarithm of the standard deviation.
    """

    mean: Tensor
    log_std: Tensor


class CategoricalActions(NamedTuple):
    """One of several actions.

    Attributes:
        logits: `(..., A)`, unnormalised log-probabilities.
    """

    logits: Tensor


Actions = NormalActions | CategoricalActions
"""What a policy returns."""


def log_prob(policy: Actions, action: Tensor) -> Tensor:
    """Log-likelihood of actions, the sum over the dimensions of an action.

        log π(a) = -1/2 Σ_d [ ((a_d - m_d) / σ_d)^2 + 2 log σ_d + log 2π ],   or   log softmax(logits)[a]

    Args:
        policy: distributions of shape `(..., A)`.
        action: `(..., A)` numbers, or `(...)` int64 choices.

    Returns:
        `(...)`.

    Raises:
        DataError: if the actions do not fit the policy.

    >>> import torch
    >>> one = NormalActions(torch.zeros(1, 2), torch.zeros(1, 2))
    >>> log_prob(one, torch.zeros(1, 2)).item()  # -log 2π
    -1.837...
    """
    if isinstance(policy, CategoricalActions):
        if action.is_floating_point() or action.ndim != policy.logits.ndim - 1:
            raise DataError(
                f"A choice among {policy.logits.shape[-1]} actions is one whole number, shape "
                f"{tuple(policy.logits.shape[:-1])}; got {action.dtype} of shape {tuple(action.shape)}. Use a "
                "GaussianPolicy for continuous actions."
            )
        return policy.logits.log_softmax(-1).gather(-1, action[..., None]).squeeze(-1)
    if action.shape != policy.mean.shape:
        raise DataError(
            f"Actions and their means must have one shape; got {tuple(action.shape)} and {tuple(policy.mean.shape)}. "
            "Build the policy for the environment with innerloop.rl.policy_for."
        )
    standardised = (action - policy.mean) * (-policy.log_std).exp()
    return -0.5 * (standardised.square() + 2 * policy.log_std + math.log(2 * math.pi)).sum(-1)


def kl(old: Actions, new: Actions) -> Tensor:
    """Kullback-Leibler divergence `KL(old || new)` in nats, summed over the dimensions of an action.

        Σ_d [ log σ'_d - log σ_d + (σ_d^2 + (m_d - m'_d)^2) / (2 σ'_d^2) - 1/2 ]

    Args:
        old: distributions of shape `(..., A)`.
        new: of the same kind and shape, written with a prime.

    Returns:
        `(...)`.

    >>> import torch
    >>> a = CategoricalActions(torch.tensor([0.0, 1.0]))
    >>> kl(a, a).item()
    0.0
    """
    if isinstance(old, CategoricalActions):
        assert isinstance(new, CategoricalActions)
        before, after = old.logits.log_softmax(-1), new.logits.log_softmax(-1)
        return (before.exp() * (before - after)).sum(-1)
    assert isinstance(new, NormalActions)
    apart = (2 * (old.log_std - new.log_std)).exp() + ((old.mean - new.mean) * (-new.log_std).exp()).square()
    return (new.log_std - old.log_std + 0.5 * (apart - 1)).sum(-1)


def entropy(policy: Actions) -> Tensor:
    """Entropy in nats, `(...)`.

    >>> import torch
    >>> entropy(CategoricalActions(torch.zeros(2))).item()  # log 2
    0.693...
    """
    if isinstance(policy, CategoricalActions):
        log_p = policy.logits.log_softmax(-1)
        return -(log_p.exp() * log_p).sum(-1)
    return (policy.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)


def draw(policy: Actions, noise: Tensor) -> Tensor:
    """Actions drawn with given noise, so that a draw depends on its key alone.

    Args:
        policy: distributions of shape `(..., A)`.
        noise: `(..., A)` standard normal numbers, or `(...)` uniform ones in `[0, 1)` for a choice.

    >>> import torch
    >>> draw(CategoricalActions(torch.tensor([0.0, 0.0])), torch.tensor(0.75)).item()
    1
    """
    if isinstance(policy, CategoricalActions):
        below = policy.logits.softmax(-1).cumsum(-1) <= noise[..., None]
        return below.sum(-1).clamp_(max=policy.logits.shape[-1] - 1)  # rounding may leave the last sum below 1
    return policy.mean + policy.log_std.exp() * noise


def likeliest(policy: Actions) -> Tensor:
    """The mean, or the choice with the largest probability.

    >>> import torch
    >>> likeliest(CategoricalActions(torch.tensor([0.0, 1.0]))).item()
    1
    """
    return policy.logits.argmax(-1) if isinstance(policy, CategoricalActions) else policy.mean
