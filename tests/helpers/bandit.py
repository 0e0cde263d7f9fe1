"""A two-armed bandit whose expected return, and all its derivatives, can be written down."""

from itertools import product

import torch

from innerloop.rl import CategoricalActions, Decisions
from innerloop.task import Examples

REWARDS = torch.tensor([1.0, 0.25], dtype=torch.float64)


def policy(theta, rows):
    """The same choice between two arms in every row, with the logits `[θ, 0]`."""
    return CategoricalActions(torch.stack([theta, torch.zeros_like(theta)]).expand(rows, 2))


def expected_return(theta, pulls):
    """`E Σ_t r(a_t)`, over all sequences of arms; a pull pays only if the first arm has been pulled before or now."""
    log_p = policy(theta, 1).logits[0].log_softmax(-1)
    total = 0.0
    for arms in product(range(2), repeat=pulls):
        total = total + log_p[list(arms)].sum().exp() * sum(rewards(arms))
    return total


def rewards(arms):
    """What the pulls pay: an arm's reward, doubled after a first pull of arm 0, so that the past matters."""
    return [float(REWARDS[arm]) * (2 if 0 in arms[:time] else 1) for time, arm in enumerate(arms)]


def every_episode(theta, pulls):
    """All sequences as examples, each weighted by its probability at `theta` (in the advantage)."""
    log_p = policy(theta, 1).logits[0].log_softmax(-1).detach()
    episodes = list(product(range(2), repeat=pulls))
    action, advantage, time = [], [], []
    for arms in episodes:
        paid = rewards(arms)
        weight = float(log_p[list(arms)].sum().exp())
        action += arms
        advantage += [weight * sum(paid[t:]) for t in range(pulls)]
        time += range(pulls)
    rows = len(action)
    action = torch.tensor(action)
    old = CategoricalActions(policy(theta, rows).logits.detach())
    y = Decisions(action, torch.tensor(advantage, dtype=torch.float64), log_p[action], old, torch.tensor(time))
    return Examples(torch.zeros(rows, 1, dtype=torch.float64), y)


def derivatives(function, theta):
    """First and second derivative of a scalar function of a number."""
    theta = theta.clone().requires_grad_()
    (first,) = torch.autograd.grad(function(theta), theta, create_graph=True)
    (second,) = torch.autograd.grad(first, theta)
    return float(first.detach()), float(second)
