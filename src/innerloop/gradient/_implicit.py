"""The outer gradient of an inner problem that was solved, whatever way led there: implicit MAML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from innerloop.demands import at_least, positive
from innerloop.gradient._outer_gradient import InnerLoop, OuterGradient, Parameters
from innerloop.mapping import gradient


@dataclass(frozen=True)
class Implicit(OuterGradient):
    """Through the optimality condition of the regularised inner problem.

        φ = argmin_p L_support(p) + λ/2 |p - θ|²
        dL_query/dθ = λ v,   (H + λ I) v = ∇L_query(φ),   H = ∇²L_support(φ)

    Parameters that are trained but do not adapt get `∂L_query - <v, ∂∇L_support>`. It is exact where the inner loop
    has converged and the system is solved; memory does not grow with the number of inner steps.

    Args:
        proximal: the weight λ; larger means that φ stays nearer to θ.
        solver_steps: conjugate-gradient steps, each one Hessian-vector product.

    Source: Rajeswaran et al. 2019, "Meta-learning with implicit gradients", equations 3 and 6, λ = 2 and 5 steps in
    its Omniglot experiments.
    """

    uses_path = False
    proximal: float = 2.0
    solver_steps: int = 5

    def __post_init__(self) -> None:
        positive("proximal=", self.proximal, 2.0)
        at_least("solver_steps=", self.solver_steps, 1)

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """`L_query(φ) - <v, ∇_p (L_support(φ) + λ/2 |φ - θ|²)>` with φ and v constant."""
        end = {name: p.detach() for name, p in loop.end.items()}
        slope, _ = gradient(loop.query_loss, end, differentiable=False)

        def product(v: Parameters) -> Parameters:
            def along(p: Parameters) -> Tensor:
                return inner(gradient(loop.support_loss, p, differentiable=True)[0], v)

            curved, _ = gradient(along, end, differentiable=False)
            return {name: curved[name] + self.proximal * v[name] for name in v}

        v = conjugate_gradients(product, slope, self.solver_steps)
        pull = sum((v[n] * (end[n] - p)).sum() for n, p in loop.start.items())
        found = loop.loss - self.proximal * pull
        if loop.others:
            found = found - inner(gradient(loop.support_loss, end, differentiable=True)[0], v)
        return found


def inner(a: Parameters, b: Parameters) -> Tensor:
    """`<a, b>` over all tensors."""
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()


def conjugate_gradients(product: Callable[[Parameters], Parameters], right: Parameters, steps: int) -> Parameters:
    """Solves `A x = right` for a symmetric positive definite `A` given as a function.

    Where `A` turns out not to be positive definite, as `H + λI` is not where a loss curves down by more than λ, it
    stops before the first direction `d` with `d'Ad <= 0`, along which the quadratic form has no minimum; if that is
    the first one of all, `x` is the right side.

    A fixed number of steps and no branch on a value, so that it runs under `vmap` and can be captured: once the
    residual is zero, it stands still.

    Args:
        product: from `x` to `A x`.
        right: the right side, by name.
        steps: at most this many products are useful: the number of unknowns.

    Source: Hestenes and Stiefel 1952; the end at directions without positive curvature: Nocedal and Wright 2006,
    "Numerical optimization", algorithm 7.1.

    >>> diagonal = {"a": torch.tensor([1.0, 4.0])}
    >>> conjugate_gradients(lambda x: {"a": diagonal["a"] * x["a"]}, {"a": torch.tensor([1.0, 2.0])}, 2)["a"]
    tensor([1.0000, 0.5000])
    """
    x = {name: torch.zeros_like(r) for name, r in right.items()}
    residual = direction = dict(right)
    size = inner(residual, residual)
    going = torch.ones_like(size, dtype=torch.bool)
    for step in range(steps):
        image = product(direction)
        curvature = inner(direction, image)
        if step == 0:
            x = {n: torch.where(curvature > 0, x[n], right[n]) for n in x}
        going = going & (curvature > 0)
        length = torch.where(going, _ratio(size, curvature), 0)
        x = {n: x[n] + length * direction[n] for n in x}
        residual = {n: residual[n] - length * image[n] for n in x}
        before, size = size, inner(residual, residual)
        direction = {n: residual[n] + _ratio(size, before) * direction[n] for n in x}
    return x


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    # 0 / 0 is 0: nothing is left to do
    return torch.where(b != 0, a / torch.where(b != 0, b, 1), 0)
