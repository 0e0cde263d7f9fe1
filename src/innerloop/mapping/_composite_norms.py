"""Normalisations put together from elementary operations, for second derivatives under `vmap`.

Under `torch.func.vmap` the backward passes of PyTorch's fused batch, instance and layer norms take the saved mean
and deviation for constants, so that second derivatives are silently wrong: by 5 to 20 % in a small network
(pytorch/functorch#534, open since 2022; measured with torch 2.13, see tests/mapping/test_composite_norms.py).
First derivatives are right, and so is everything outside `vmap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class CompositeNorms(TorchFunctionMode):
    """While it lasts, fused norms are computed from elementary operations; everything else stays as it is."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch in place of every one of its functions."""
        return _COMPOSITE.get(function, function)(*args, **(kwargs or {}))


def _layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    x = _standardised(x, list(range(-len(normalized_shape), 0)), eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not training or running_mean is not None:
        # an affine map, which is right; or statistics written in place, which vmap refuses
        return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    return _affine(_standardised(x, [0, *range(2, x.ndim)], eps), weight, bias)


def _instance_norm(
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not use_input_stats or running_mean is not None:
        return F.instance_norm(x, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    return _affine(_standardised(x, list(range(2, x.ndim)), eps), weight, bias)


def _native(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    # torch.batch_norm and torch.instance_norm have the affine parameters first, and a switch for cuDNN last
    def reordered(
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        training: bool,
        momentum: float,
        eps: float,
        cudnn_enabled: bool,
    ) -> Tensor:
        return function(x, running_mean, running_var, weight, bias, training, momentum, eps)

    return reordered


def _standardised(x: Tensor, axes: list[int], eps: float) -> Tensor:
    variance, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    shape = (1, -1, *([1] * (x.ndim - 2)))
    x = x if weight is None else x * weight.view(shape)
    return x if bias is None else x + bias.view(shape)


_COMPOSITE: dict[Callable[..., Any], Callable[..., Tensor]] = {
    F.layer_norm: _layer_norm,
    torch.layer_norm: _layer_norm,
    F.batch_norm: _batch_norm,
    torch.batch_norm: _native(_batch_norm),
    F.instance_norm: _instance_norm,
    torch.instance_norm: _native(_instance_norm),
}
