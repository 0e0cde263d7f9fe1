"""The gradient inside a task: the only place that knows `torch.func.grad` from `torch.autograd.grad`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from innerloop.mapping._composite_norms import CompositeNorms


class _Scope:
    # A plain object and not a ContextVar: Dynamo cannot trace those.
    vectorised = False


_scope = _Scope()


@contextmanager
def vectorised(value: bool) -> Iterator[None]:
    """While it lasts, `gradient` runs inside `torch.func.vmap` (set by the mapping, by nobody else).

    Fused attention has no batching rule, so there attention is put together from elementary operations.
    """
    before, _scope.vectorised = _scope.vectorised, value
    try:
        with sdpa_kernel(SDPBackend.MATH) if value else nullcontext():
            yield
    finally:
        _scope.vectorised = before


def gradient(
    function: Callable[[dict[str, Tensor]], Tensor],
    parameters: dict[str, Tensor],
    *,
    differentiable: bool,
) -> tuple[dict[str, Tensor], Tensor]:
    """Gradient and value of a scalar function of named tensors.

    `autograd.grad` fails under `vmap` and `func.grad` is slower outside it, so each is used where it is best.
    A differentiable gradient takes attention through elementary operations: PyTorch's fused attention has no second
    derivative.

    Args:
        function: from named tensors to a scalar.
        parameters: where to take the gradient.
        differentiable: keep the graph of the gradient, for second order. Without it the gradient is a constant.

    Returns:
        The gradient, named as `parameters`, and the value.

    >>> g, v = gradient(lambda p: (p["w"] ** 3).sum(), {"w": torch.tensor(2.0)}, differentiable=False)
    >>> g["w"].item(), v.item()
    (12.0, 8.0)
    """
    differentiable = differentiable and torch.is_grad_enabled()
    if _scope.vectorised:
        with torch.set_grad_enabled(differentiable), CompositeNorms() if differentiable else nullcontext():
            return torch.func.grad_and_value(function)(parameters)
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH) if differentiable else nullcontext():
        # fresh names even for leaves: a gradient with respect to a shared leaf would also see its other uses
        at = {
            name: value.view_as(value) if differentiable and value.requires_grad else value.detach().requires_grad_()
            for name, value in parameters.items()
        }
        value = function(at)
        found = torch.autograd.grad(value, list(at.values()), create_graph=differentiable, allow_unused=True)
    grads = {
        name: torch.zeros_like(tensor) if grad is None else grad
        for (name, tensor), grad in zip(at.items(), found, strict=True)
    }
    return grads, value if differentiable else value.detach()
