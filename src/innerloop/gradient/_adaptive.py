"""Inner optimisers that scale each coordinate by its past gradients, made safe to differentiate.

A square root has an infinite slope at zero, and a dead ReLU reaches it: `eps_root` is added under every root, so that
meta-gradients stay finite.
"""

from __future__ import annotations

import torch
from torch import Tensor

from innerloop.demands import fraction, not_negative, positive
from innerloop.gradient._optimisers import InnerOptimiser, OptimiserState, Parameters, zeros


class Adam(InnerOptimiser):
    """Adam, or AdamW with a weight decay.

        m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
        p <- p - rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t) + eps_root) + eps) + weight_decay p)

    Args:
        rate: the inner learning rate.
        betas: `b1` and `b2`.
        eps: added to the root.
        eps_root: added under the root.
        weight_decay: decoupled decay of the parameters.

    Source: Kingma and Ba 2015, algorithm 1; decay: Loshchilov and Hutter 2019, algorithm 2.

    >>> adam, p = Adam(0.1), {"w": torch.tensor(1.0)}
    >>> new, _ = adam.update(p, adam.init(p), p, 0, torch.tensor(0.0))
    >>> round(new["w"].item(), 4)
    0.9
    """

    def __init__(
        self,
        rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        eps_root: float = 1e-16,
        weight_decay: float = 0.0,
    ):
        super().__init__()
        self.rate = positive("The inner learning rate", rate, 0.01)
        self.betas = (fraction("betas[0]", betas[0], 0.9), fraction("betas[1]", betas[1], 0.999))
        self.eps, self.eps_root = eps, eps_root
        self.weight_decay = not_negative("weight_decay", weight_decay)

    def init(self, parameters: Parameters) -> OptimiserState:
        """Zero moments."""
        return {"first": zeros(parameters), "second": zeros(parameters)}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of Adam."""
        b1, b2 = self.betas
        first = {n: b1 * state["first"][n] + (1 - b1) * g for n, g in gradients.items()}
        second = {n: b2 * state["second"][n] + (1 - b2) * g * g for n, g in gradients.items()}
        c1, c2 = 1 - b1 ** (step + 1), 1 - b2 ** (step + 1)
        keep = 1 - self.rate * self.weight_decay
        new = {
            n: (p * keep if self.weight_decay else p)
            - self.rate * (first[n] / c1) / (torch.sqrt(second[n] / c2 + self.eps_root) + self.eps)
            for n, p in parameters.items()
        }
        return new, {"first": first, "second": second}

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, betas={self.betas}, weight_decay={self.weight_decay}"


class AdamW(Adam):
    """Adam with a decoupled weight decay of 0.01, the default of `torch.optim.AdamW`; see `Adam`."""

    def __init__(
        self,
        rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        eps_root: float = 1e-16,
        weight_decay: float = 0.01,
    ):
        super().__init__(rate, betas, eps, eps_root, weight_decay)


class RMSprop(InnerOptimiser):
    """RMSprop.

        v <- decay v + (1 - decay) g^2
        p <- p - rate g / (sqrt(v + eps_root) + eps)

    Args:
        rate: the inner learning rate.
        decay: share of the past in the mean square.
        eps: added to the root.
        eps_root: added under the root.

    Source: Tieleman and Hinton 2012, lecture 6.5; defaults of `torch.optim.RMSprop`.

    >>> rmsprop, p = RMSprop(0.1, decay=0.0), {"w": torch.tensor(2.0)}
    >>> round(rmsprop.update(p, rmsprop.init(p), p, 0, torch.tensor(0.0))[0]["w"].item(), 4)
    1.9
    """

    def __init__(self, rate: float, decay: float = 0.99, eps: float = 1e-8, eps_root: float = 1e-16):
        super().__init__()
        self.rate, self.decay = positive("The inner learning rate", rate, 0.01), fraction("decay", decay, 0.99)
        self.eps, self.eps_root = eps, eps_root

    def init(self, parameters: Parameters) -> OptimiserState:
        """A zero mean square."""
        return {"square": zeros(parameters)}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of RMSprop."""
        square = {n: self.decay * state["square"][n] + (1 - self.decay) * g * g for n, g in gradients.items()}
        new = {
            n: p - self.rate * gradients[n] / (torch.sqrt(square[n] + self.eps_root) + self.eps)
            for n, p in parameters.items()
        }
        return new, {"square": square}

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, decay={self.decay}"
