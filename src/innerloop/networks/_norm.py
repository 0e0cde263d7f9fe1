"""A normalisation layer whose batch statistics are functional state under a named policy.

`nn.BatchNorm2d` writes its statistics into buffers: that fails under `vmap`, leaks one task into the next, and
its buffers carry no gradient. `Norm` computes them per task and under the mask, and hands them to whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Policy = Literal["batch", "support", "running", "none"]
"""Which statistics normalise the query examples.

- batch: those of the query batch itself. Transductive: one prediction depends on the other queries.
- support: those of the support set, computed with the adapted weights.
- running: averages collected in training, as `nn.BatchNorm2d` in `eval()`.
- none: the network has no such layers.
"""

Statistics = dict[str, tuple[Tensor, Tensor]]
"""Mean and variance `(C,)` of each norm layer, by the layer's name in its network."""


@runtime_checkable
class Absorbing(Protocol):
    """A module with running averages, which learners move after every training step."""

    def absorb(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the averages towards those of a batch."""


@dataclass
class NormCall:
    """What one forward pass asks of the norm layers: set by `norm_call`, read by `Norm.forward`.

    Args:
        mask: `(N,)` rows that count; None if all do.
        given: statistics to normalise with; None: those of the batch.
        running: use the running averages.
        collect: keep the statistics that were computed, in `seen`.
        step: number of the inner step, for layers with weights of their own in every step.
    """

    mask: Tensor | None = None
    given: Statistics | None = None
    running: bool = False
    collect: bool = False
    step: int = 0
    seen: Statistics = field(default_factory=dict)

    @property
    def kept(self) -> Statistics:
        """What a state keeps of a pass over support examples: the statistics that were given, or those seen."""
        return self.given or self.seen


class Norm(nn.Module):
    """Batch normalisation over the example axis and all axes behind the channels.

        y = (x - mean) / sqrt(variance + eps) * weight + bias

    On its own it behaves as `nn.BatchNorm2d`; inside a learner, `NormCall` says which statistics are used.

    Args:
        channels: size of axis 1 of the input `(N, C, ...)`.
        eps: added to the variance.
        momentum: share of a new batch in the running averages.
        steps: number of inner steps with a weight and a bias of their own, `(steps, C)`; later steps use the last
            ones. None: one of each.

    Source: Ioffe and Szegedy 2015, "Batch normalization"; weights per step: Antoniou, Edwards and Storkey 2019,
    section 4.

    >>> Norm(2)(torch.tensor([[0.0, 1.0], [2.0, 1.0]])).round().tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1, steps: int | None = None):
        super().__init__()
        self.eps, self.momentum, self.steps = eps, momentum, steps
        shape = (channels,) if steps is None else (steps, channels)
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))
        self.name = ""
        self.call: NormCall | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Normalises `x` `(N, C, ...)`."""
        call, (weight, bias) = self.call, self._affine()
        if call is None:
            return F.batch_norm(
                x, self.running_mean, self.running_variance, weight, bias,
                self.training, self.momentum, self.eps,
            )  # fmt: skip
        if call.running:
            return self._normalise(x, self.running_mean, self.running_variance)
        if call.given is not None:
            return self._normalise(x, *call.given[self.name])
        if call.mask is None and not call.collect:
            return F.batch_norm(x, None, None, weight, bias, True, 0.0, self.eps)
        mean, variance = _moments(x, call.mask)
        if call.collect:
            call.seen[self.name] = (mean, variance)
        return self._normalise(x, mean, variance)

    def absorb(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running averages towards `mean` and `variance`."""
        self.running_mean.lerp_(mean.detach(), self.momentum)
        self.running_variance.lerp_(variance.detach(), self.momentum)

    def _normalise(self, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        # F.batch_norm would treat given statistics as constants; here the gradient flows through them.
        shape, (weight, bias) = (1, -1, *([1] * (x.ndim - 2))), self._affine()
        scale = weight * torch.rsqrt(variance + self.eps)
        return x * scale.view(shape) + (bias - mean * scale).view(shape)

    def _affine(self) -> tuple[Tensor, Tensor]:
        if self.steps is None:
            return self.weight, self.bias
        step = min(self.call.step if self.call is not None else self.steps - 1, self.steps - 1)
        return self.weight[step], self.bias[step]


def _moments(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    axes = [0, *range(2, x.ndim)]
    if mask is None:
        variance, mean = torch.var_mean(x, dim=axes, correction=0)
        return mean, variance
    shape = (1, -1, *([1] * (x.ndim - 2)))
    weight = mask.to(x.dtype).view(-1, *([1] * (x.ndim - 1)))
    count = weight.sum() * x[0, 0].numel()
    mean = (x * weight).sum(axes) / count
    variance = ((x - mean.view(shape)).square() * weight).sum(axes) / count
    return mean, variance


def norms_of(network: nn.Module) -> dict[str, Norm]:
    """The `Norm` layers of a network by name."""
    return {name: module for name, module in network.named_modules() if isinstance(module, Norm)}


@contextmanager
def norm_call(norms: dict[str, Norm], call: NormCall) -> Iterator[NormCall]:
    """While it lasts, the forward passes of `norms` follow `call`."""
    for name, norm in norms.items():
        norm.name, norm.call = name, call
    try:
        yield call
    finally:
        for norm in norms.values():
            norm.name, norm.call = "", None
