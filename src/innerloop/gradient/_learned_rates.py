"""Inner learning rates that are themselves meta-learned."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from innerloop.demands import at_least, positive
from innerloop.errors import ConfigurationError
from innerloop.gradient._optimisers import InnerOptimiser, OptimiserState, Parameters


def key(name: str) -> str:
    """A parameter's name as a key of an `nn.ParameterDict`, which allows no dots.

    >>> key("features.0.weight")
    'features/0/weight'
    """
    return name.replace(".", "/")


class LearnedRates(InnerOptimiser):
    """Gradient descent whose rates are meta-parameters: one for each number, or one for each tensor and step.

        p_{k+1} = p_k - a_k ∘ g_k

    Args:
        rate: where every rate starts.
        per: "element": a rate for every single number (Meta-SGD); "tensor": one for each parameter tensor (MAML++).
        steps: number of steps with rates of their own; later steps use the last one's. None: one set for all steps.

    Source: Li et al. 2017, "Meta-SGD: learning to learn quickly for few-shot learning", equation 2; Antoniou et al.
    2019, section 4, "learning per-layer per-step learning rates".

    >>> learned = LearnedRates(0.5)
    >>> learned.build({"w": torch.zeros(2)})
    >>> learned.update({"w": torch.ones(2)}, {}, {"w": torch.ones(2)}, 0, torch.tensor(0.0))[0]["w"].tolist()
    [0.5, 0.5]
    """

    def __init__(self, rate: float, per: Literal["element", "tensor"] = "element", steps: int | None = None):
        super().__init__()
        if per not in ("element", "tensor"):
            raise ConfigurationError(f'per= is "element" or "tensor"; got {per!r}.')
        if steps is not None:
            at_least("steps=", steps, 1, "None for one set of rates")
        self.rate, self.per, self.steps = positive("The inner learning rate", rate, 0.01), per, steps
        self.rates = nn.ParameterDict()

    def build(self, parameters: Parameters) -> None:
        """A rate for each number or tensor (and step)."""
        leading = () if self.steps is None else (self.steps,)
        self.rates = nn.ParameterDict(
            {
                key(name): nn.Parameter(p.new_full((*leading, *(p.shape if self.per == "element" else ())), self.rate))
                for name, p in parameters.items()
            }
        )

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of descent with the rates of this step."""
        return {n: p - self._rate(n, step) * gradients[n] for n, p in parameters.items()}, state

    def _rate(self, name: str, step: int) -> Tensor:
        rate: Tensor = self.rates[key(name)]
        return rate if self.steps is None else rate[min(step, self.steps - 1)]

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, per={self.per!r}, steps={self.steps}"


class MetaCurvature(InnerOptimiser):
    """Gradient descent in a metric that is meta-learned: each layer's gradient is multiplied along each of its axes.

        g' = M_f (M_in (M_out g)),   p_{k+1} = p_k - rate g'

    For a weight of shape `(out, in, *kernel)`, `M_out` is `(out, out)`, `M_in` `(in, in)` and `M_f` acts on the
    flattened kernel; a vector has `M_out` alone. All start as identities: then it is plain descent.

    Args:
        rate: the inner learning rate.

    Source: Park and Oliva 2019, "Meta-Curvature", section 3 (MC2).

    >>> curved = MetaCurvature(0.5)
    >>> curved.build({"w": torch.zeros(2, 3)})
    >>> [tuple(p.shape) for p in curved.parameters()]
    [(2, 2), (3, 3)]
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = positive("The inner learning rate", rate, 0.01)
        self.metric = nn.ParameterDict()

    def build(self, parameters: Parameters) -> None:
        """An identity for each axis of each tensor, the axes of a kernel taken together."""
        self.metric = nn.ParameterDict(
            {
                f"{key(name)}:{axis}": nn.Parameter(torch.eye(size, dtype=p.dtype, device=p.device))
                for name, p in parameters.items()
                for axis, size in enumerate(_folded(p).shape)
            }
        )

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of descent along the transformed gradient."""
        return {n: p - self.rate * self._curved(n, gradients[n]) for n, p in parameters.items()}, state

    def _curved(self, name: str, gradient: Tensor) -> Tensor:
        folded = _folded(gradient)
        for axis in range(folded.ndim):
            matrix: Tensor = self.metric[f"{key(name)}:{axis}"]
            folded = torch.tensordot(matrix, folded, dims=([1], [axis])).movedim(0, axis)
        return folded.reshape(gradient.shape)

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}"


def _folded(tensor: Tensor) -> Tensor:
    # at most three axes: out, in, kernel; a single number is a vector of one
    return tensor.reshape(1) if tensor.ndim == 0 else tensor.flatten(2) if tensor.ndim > 3 else tensor
