"""Choice 2 of the gradient family: the inner optimiser, as pure `init` and `update` functions.

`torch.optim` writes in place and cannot be differentiated; these return new tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError

Parameters = dict[str, Tensor]
OptimiserState = dict[str, Parameters]


class InnerOptimiser(nn.Module, ABC):
    """One step of an optimiser as a function. Being a module, it may hold meta-parameters of its own."""

    def init(self, parameters: Parameters) -> OptimiserState:
        """The state before the first step."""
        return {}

    @abstractmethod
    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int
    ) -> tuple[Parameters, OptimiserState]:
        """New parameters and new state after step number `step` (0, 1, ...)."""


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"{name} must be a positive number; got {value}.")
    return float(value)


class SGD(InnerOptimiser):
    """Gradient descent: `m <- momentum m + g`, `p <- p - rate m`.

    >>> SGD(0.5).update({"w": torch.tensor(1.0)}, {}, {"w": torch.tensor(3.0)}, 0)[0]
    {'w': tensor(2.5000)}
    """

    def __init__(self, rate: float, momentum: float = 0.0):
        super().__init__()
        self.rate, self.momentum = _positive("The inner learning rate", rate), momentum

    def init(self, parameters: Parameters) -> OptimiserState:
        """Zero momentum, or nothing at all without momentum."""
        if not self.momentum:
            return {}
        return {"momentum": {name: torch.zeros_like(p) for name, p in parameters.items()}}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int
    ) -> tuple[Parameters, OptimiserState]:
        """One step of descent."""
        if self.momentum:
            gradients = {n: self.momentum * state["momentum"][n] + g for n, g in gradients.items()}
            state = {"momentum": gradients}
        return {n: p - self.rate * gradients[n] for n, p in parameters.items()}, state

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, momentum={self.momentum}"


class Adam(InnerOptimiser):
    """Adam, made safe to differentiate.

    The square root has an infinite slope at zero, which a dead ReLU reaches: `eps_root` is added under it.

    Source: Kingma and Ba 2015, algorithm 1.

    >>> new, _ = (adam := Adam(0.1)).update(p := {"w": torch.tensor(1.0)}, adam.init(p), p, 0)
    >>> round(new["w"].item(), 4)
    0.9
    """

    def __init__(
        self, rate: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, eps_root: float = 1e-16
    ):
        super().__init__()
        self.rate, self.betas, self.eps, self.eps_root = (
            _positive("The inner learning rate", rate),
            betas,
            eps,
            eps_root,
        )

    def init(self, parameters: Parameters) -> OptimiserState:
        """Zero moments."""
        return {moment: {name: torch.zeros_like(p) for name, p in parameters.items()} for moment in ("first", "second")}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int
    ) -> tuple[Parameters, OptimiserState]:
        """One step of Adam."""
        b1, b2 = self.betas
        first = {n: b1 * state["first"][n] + (1 - b1) * g for n, g in gradients.items()}
        second = {n: b2 * state["second"][n] + (1 - b2) * g * g for n, g in gradients.items()}
        c1, c2 = 1 - b1 ** (step + 1), 1 - b2 ** (step + 1)
        new = {
            n: p - self.rate * (first[n] / c1) / (torch.sqrt(second[n] / c2 + self.eps_root) + self.eps)
            for n, p in parameters.items()
        }
        return new, {"first": first, "second": second}

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, betas={self.betas}"
