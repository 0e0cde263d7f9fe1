"""Multinomial logistic regression to convergence, by a fixed number of operations: it runs under `vmap`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from innerloop.gradient import conjugate_gradients

_LENGTHS = tuple(0.5**k for k in range(12))
"""Shares of a Newton step that are tried; the best is taken, or none if all of them are worse than standing still."""


class Logistic(NamedTuple):
    """A fitted classifier: logits are `z @ weight.T + bias`.

    Attributes:
        weight: `(W, D)`.
        bias: `(W,)`, not penalised.
    """

    weight: Tensor
    bias: Tensor


@torch.no_grad()
def logistic_regression(
    z: Tensor, y: Tensor, mask: Tensor, ways: int, penalty: float, *, steps: int = 20, solver_steps: int = 40
) -> Logistic:
    """The minimum of the penalised cross-entropy, by Newton's method with conjugate gradients.

        min_{W, b}  Σ_i -log softmax(W z_i + b)[y_i] + penalty/2 |W|²

    The system is preconditioned by an upper bound of the Hessian that does not change from step to step, and solved in
    the span of the examples, so that the cost depends on the smaller of their number and their width. Everything is
    computed in float64 where the device has it; no gradient passes.

    Args:
        z: `(N, D)` features.
        y: `(N,)` labels `0..ways-1`.
        mask: `(N,)` bool, rows that count.
        ways: number of classes.
        penalty: weight of the squared norm; the inverse of the `C` of other libraries.
        steps: Newton steps, more than are needed: at the minimum they stand still.
        solver_steps: conjugate-gradient steps in each.

    Source: Böhning 1992, "Multinomial logistic regression algorithm", equation 2.3 for the bound; Nocedal and Wright
    2006, "Numerical optimization", section 7.1 for the truncated Newton method.

    >>> found = logistic_regression(torch.tensor([[1.0], [-1.0]]), torch.tensor([0, 1]), torch.ones(2).bool(), 2, 1.0)
    >>> found.weight.flatten()  # the first class has w = 2 sigmoid(-2 w)
    tensor([ 0.5213, -0.5213])
    """
    dtype = z.dtype
    exact = dtype if z.device.type == "mps" else torch.float64
    # a padded row may hold anything, also infinity: replace it, don't multiply it away
    z = torch.where(mask[:, None], z, 0).to(exact)
    basis = None
    if z.shape[0] < z.shape[1]:
        basis, triangle = torch.linalg.qr(z.T)
        z = triangle.T
    design = torch.cat([z, mask.to(exact)[:, None]], dim=1)
    target = ((y[:, None] == torch.arange(ways, device=y.device)) & mask[:, None]).to(exact)
    ridge = torch.full((design.shape[1],), penalty, dtype=exact, device=z.device)
    ridge[-1] = 0
    # coordinates in which the bound ½ Z'Z + R is the identity
    root = torch.linalg.cholesky(0.5 * design.T @ design + torch.diag(ridge))
    design = torch.linalg.solve_triangular(root, design.T, upper=False).T
    white = torch.linalg.solve_triangular(root, torch.diag(ridge), upper=False)
    ridges = torch.linalg.solve_triangular(root, white.T, upper=False)
    theta = _minimum(design, target, ridges, steps, solver_steps)
    theta = torch.linalg.solve_triangular(root.T, theta, upper=True)
    weight, bias = theta[:-1], theta[-1]
    if basis is not None:
        weight = basis @ weight
    return Logistic(weight.T.to(dtype), bias.to(dtype))


def _minimum(design: Tensor, target: Tensor, ridges: Tensor, steps: int, solver_steps: int) -> Tensor:
    """`(D, W)` minimum of `-Σ target log softmax(design θ) + ½ tr θ' ridges θ`."""
    theta = design.new_zeros(design.shape[1], target.shape[1])
    lengths = design.new_tensor([*_LENGTHS, 0.0])
    for _ in range(steps):
        p = torch.softmax(design @ theta, dim=1)
        slope = _unshifted(design.T @ (p * target.sum(1, keepdim=True) - target) + ridges @ theta)

        def product(v: dict[str, Tensor], p: Tensor = p) -> dict[str, Tensor]:
            moved = p * (design @ v["θ"])
            return {"θ": _unshifted(design.T @ (moved - p * moved.sum(1, keepdim=True)) + ridges @ v["θ"])}

        direction = _unshifted(conjugate_gradients(product, {"θ": slope}, solver_steps)["θ"])
        tried = theta - lengths[:, None, None] * direction
        losses = -(target * torch.log_softmax(design @ tried, dim=-1)).sum((1, 2)) + 0.5 * (
            tried * (ridges @ tried)
        ).sum((1, 2))
        theta = tried.index_select(0, losses.argmin(0, keepdim=True))[0]
    return theta


def _unshifted(x: Tensor) -> Tensor:
    # the same shift of all classes changes nothing: without this, rounding would walk far along it
    return x - x.mean(1, keepdim=True)
