"""How much better than expected an action was: generalised advantages over a linear baseline."""

from __future__ import annotations

import torch
from torch import Tensor

from innerloop.rl._trajectories import Trajectories

RIDGE = 1e-5
"""Penalty of the baseline's weights, as in the papers' code."""


def advantages(found: Trajectories, discount: float = 0.99, trace: float = 1.0) -> Tensor:
    """Generalised advantage estimates, with mean 0 and deviation 1 over the steps of a task.

        δ_t = r_t + γ V_{t+1} - V_t,   A_t = Σ_k (γ λ)^k δ_{t+k}

    The value after the last step of an episode is 0, also where the horizon ended it: time is among the baseline's
    features, so it predicts what is left until the horizon.

    Args:
        found: episodes.
        discount: γ.
        trace: λ; 1: returns minus baseline.

    Returns:
        `(T, E, H)`, zero after an episode's end.

    Source: Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation".
    """
    value = baseline(found, discount)
    following = torch.cat([value[..., 1:], torch.zeros_like(value[..., :1])], -1)
    delta = (found.reward + discount * following - value) * found.mask
    raw = _reversed_sum(delta, discount * trace)
    count = found.mask.sum((1, 2), keepdim=True)
    mean = (raw * found.mask).sum((1, 2), keepdim=True) / count
    centred = (raw - mean) * found.mask
    deviation = (centred.square().sum((1, 2), keepdim=True) / count).sqrt()
    return (centred / (deviation + 1e-8)).to(found.reward.dtype)


def baseline(found: Trajectories, discount: float) -> Tensor:
    """The expected discounted return from each step: ridge regression on features, one fit per task and batch.

        φ = [s, s^2, t, t^2, t^3, 1],   w = (Φ' Φ + λ I)^-1 Φ' R,   V = φ · w

    Args:
        found: episodes.
        discount: γ of the returns R.

    Returns:
        `(T, E, H)` float64, zero after an episode's end.

    Source: Duan et al. 2016, "Benchmarking deep reinforcement learning for continuous control", appendix 2.
    """
    time = torch.arange(found.mask.shape[-1], dtype=torch.float64).expand(found.mask.shape)[..., None] / 100
    seen = found.observation.double().clamp(-10, 10)  # as in the papers' code: a square of a wild number rules the fit
    phi = torch.cat([seen, seen.square(), time, time**2, time**3, torch.ones_like(time)], -1)
    phi = (phi * found.mask[..., None]).flatten(1, 2)
    target = _reversed_sum(found.reward.double() * found.mask, discount).flatten(1)
    gram = phi.mT @ phi + RIDGE * torch.eye(phi.shape[-1], dtype=phi.dtype)
    weights = torch.linalg.solve(gram, phi.mT @ target[..., None])
    value: Tensor = phi @ weights
    return value.view(found.mask.shape)


def _reversed_sum(values: Tensor, decay: float) -> Tensor:
    """`y_t = x_t + decay y_{t+1}` along the last axis."""
    total = torch.zeros_like(values[..., 0])
    out = torch.empty_like(values)
    for time in reversed(range(values.shape[-1])):
        total = values[..., time] + decay * total
        out[..., time] = total
    return out
