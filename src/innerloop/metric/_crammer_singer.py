"""The multi-class support vector machine of Crammer and Singer as a differentiable function of a Gram matrix.

Shape legend: N examples, W ways, ... any number of batch axes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

STEPS = 20
"""Interior-point steps. Whatever the scale of the problem, the gap is at rounding after about 15."""


def crammer_singer(gram: Tensor, member: Tensor, cost: float = 0.1, smoothing: float = 1.0) -> Tensor:
    """Dual weights `a` of the multi-class SVM; the weight vector of class `k` is `w_k = Σ_n a_nk z_n`.

        minimise    1/2 Σ_k a_k' (G + δ I) a_k - Σ_n a_n,y(n)
        subject to  Σ_k a_nk = 0,   a_nk <= C [k = y(n)]

    The programme is solved without gradient by a primal-dual interior-point method with a fixed number of steps, in
    float64 where the device has it. The gradient comes from one more Newton step whose matrix is taken as constant:
    at the solution that step is zero, and its derivative is that of the optimality conditions (the implicit function
    theorem). So memory does not grow with the steps. Second derivatives are not those of the solution.

    Classes meet in the constraints alone. So a Newton step takes `W + 1` systems of `N` unknowns instead of one of
    `N W`.

    Args:
        gram: `(N, N)` inner products of the examples; rows of padding are zero.
        member: `(N, W)` one-hot labels; rows of padding are zero.
        cost: C, the most that an example may weigh.
        smoothing: δ > 0, which makes the solution unique and differentiable.

    Returns:
        `(N, W)`, in the type of `gram`; rows of padding are zero.

    Source: Crammer and Singer 2001, "On the algorithmic implementation of multiclass kernel-based vector machines";
    Lee et al. 2019, "Meta-learning with differentiable convex optimization", section 3.2, with C = 0.1 and, in its
    published code, δ = 1. The method: Mehrotra 1992; the derivative: Amos and Kolter 2017, "OptNet".

    >>> a = crammer_singer(torch.eye(2), torch.eye(2), cost=1.0)
    >>> a.round(decimals=4)
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """
    precise = torch.float64 if gram.device.type != "mps" else gram.dtype
    y = member.to(precise)
    matrix = gram.to(precise) + smoothing * torch.eye(gram.shape[0], dtype=precise, device=gram.device)
    with torch.no_grad():
        slack, multiplier, bound = _solve(matrix, y, cost)
        inverse = torch.linalg.inv(_hessians(matrix, bound / slack))
    # zero in value; its derivative is that of the solution
    residual = _slope(matrix, slack, y, cost) - multiplier[:, None] - bound
    step = _newton(inverse, -residual, torch.zeros_like(multiplier))[0]
    weights: Tensor = (cost * y - slack - step) * y.sum(1, keepdim=True)
    return weights.to(gram.dtype)


@torch.library.custom_op("innerloop::crammer_singer", mutates_args=())
def _solve(matrix: Tensor, y: Tensor, cost: float) -> tuple[Tensor, Tensor, Tensor]:
    """Slacks `b = C y - a`, which lie in simplices; multipliers of their sums; multipliers of `b >= 0`.

    One operator: captured graphs have it as one node, and `vmap` runs all its tasks at once.
    """
    ways = y.shape[-1]
    floor = torch.finfo(y.dtype).eps * cost
    b = torch.full_like(y, cost / ways)
    slope = _slope(matrix, b, y, cost)
    nu = slope.amin(-1) - slope.abs().amax((-1, -2), keepdim=True)[..., 0].clamp(min=1)
    s = slope - nu[..., None]
    for _ in range(STEPS):
        inverse = torch.linalg.inv(_hessians(matrix, s / b))
        residual = _slope(matrix, b, y, cost) - nu[..., None] - s
        at = b, s, inverse, residual, cost - b.sum(-1)
        gap = _mean(b * s)
        # where a step to the end would lead says how far to aim, and what the products will lack
        db, _, ds = _direction(-b * s, *at)
        length = _longest(b, db, s, ds).clamp(max=1)
        ahead = _mean((b + length * db) * (s + length * ds))
        aim = ((ahead / gap) ** 3 * gap).clamp(min=floor)
        db, dnu, ds = _direction(aim - b * s - db * ds, *at)
        length = (0.99 * _longest(b, db, s, ds)).clamp(max=1)
        b, nu, s = b + length * db, nu + length[..., 0] * dnu, s + length * ds
    return b, nu, s


@_solve.register_fake
def _shapes(matrix: Tensor, y: Tensor, cost: float) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(y), y.new_empty(y.shape[:-1]), torch.empty_like(y)


@_solve.register_vmap
def _batched(
    info: Any, in_dims: tuple[int | None, ...], matrix: Tensor, y: Tensor, cost: float
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[int, int, int]]:
    matrix, y = (
        tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        for tensor, dim in zip((matrix, y), in_dims, strict=False)
    )
    return _solve(matrix, y, cost), (0, 0, 0)


def _slope(matrix: Tensor, b: Tensor, y: Tensor, cost: float) -> Tensor:
    return matrix @ (b - cost * y) + y


def _hessians(matrix: Tensor, diagonal: Tensor) -> Tensor:
    """`(..., W, N, N)`: one for each class."""
    return matrix.unsqueeze(-3) + torch.diag_embed(diagonal.mT)


def _direction(
    target: Tensor, b: Tensor, s: Tensor, inverse: Tensor, residual: Tensor, missing: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The step after which, to first order, `b s` has changed by `target` and nothing is left of the residuals."""
    db, dnu = _newton(inverse, target / b - residual, missing)
    return db, dnu, (target - s * db) / b


def _newton(inverse: Tensor, right: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """`H_k db_k - dnu = right_k` for every class, `Σ_k db_k = missing`."""
    alone = (inverse @ right.mT[..., None])[..., 0].mT
    dnu = torch.linalg.solve(inverse.sum(-3), (missing - alone.sum(-1))[..., None])
    return alone + (inverse @ dnu.unsqueeze(-3))[..., 0].mT, dnu[..., 0]


def _longest(b: Tensor, db: Tensor, s: Tensor, ds: Tensor) -> Tensor:
    """The longest step `(..., 1, 1)` that leaves all of `b > 0` and `s > 0` where they are."""
    x, dx = torch.stack([b, s]), torch.stack([db, ds])
    return torch.where(dx < 0, -x / torch.where(dx < 0, dx, 1), torch.inf).amin((-1, -2), keepdim=True).amin(0)


def _mean(products: Tensor) -> Tensor:
    return products.mean((-1, -2), keepdim=True)
