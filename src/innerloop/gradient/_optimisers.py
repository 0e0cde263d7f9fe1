"""Choice 2 of the gradient family: the inner optimiser, as pure `init` and `update` functions.

`torch.optim` writes in place and cannot be differentiated; these return new tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from innerloop.demands import fraction, positive
from innerloop.errors import ConfigurationError

Parameters = dict[str, Tensor]
OptimiserState = dict[str, Parameters]


class InnerOptimiser(nn.Module, ABC):
    """One step of an optimiser as a function. Being a module, it may hold meta-parameters of its own."""

    def build(self, parameters: Parameters) -> None:
        """Makes the meta-parameters for the tensors that will adapt. A learner calls it once, when it is made."""

    def init(self, parameters: Parameters) -> OptimiserState:
        """The state before the first step."""
        return {}

    @abstractmethod
    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """New parameters and new state after step number `step` (0, 1, ...).

        Args:
            gradients: of the inner loss, by name.
            state: what `init` or the step before returned.
            parameters: before the step, by name.
            step: number of steps taken so far.
            loss: `()` the inner loss before the step.
        """


def zeros(parameters: Parameters) -> Parameters:
    """A zero for every parameter."""
    return {name: torch.zeros_like(p) for name, p in parameters.items()}


class SGD(InnerOptimiser):
    """Gradient descent, with momentum if asked for.

        m <- momentum m + g
        p <- p - rate m                          (Nesterov: p - rate (g + momentum m))

    Args:
        rate: the inner learning rate.
        momentum: share of the last direction that is kept.
        nesterov: look ahead along the momentum.

    Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", in the form
    of `torch.optim.SGD`.

    >>> SGD(0.5).update({"w": torch.tensor(1.0)}, {}, {"w": torch.tensor(3.0)}, 0, torch.tensor(0.0))[0]
    {'w': tensor(2.5000)}
    """

    def __init__(self, rate: float, momentum: float = 0.0, nesterov: bool = False):
        super().__init__()
        self.rate, self.momentum = positive("The inner learning rate", rate, 0.01), fraction("momentum", momentum, 0.9)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ConfigurationError(
                "Nesterov's look-ahead needs a momentum; got momentum=0. Try 0.9, or leave nesterov out."
            )

    def init(self, parameters: Parameters) -> OptimiserState:
        """Zero momentum, or nothing at all without momentum."""
        return {"momentum": zeros(parameters)} if self.momentum else {}

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of descent."""
        direction = gradients
        if self.momentum:
            direction = {n: self.momentum * state["momentum"][n] + g for n, g in gradients.items()}
            state = {"momentum": direction}
        if self.nesterov:
            direction = {n: g + self.momentum * direction[n] for n, g in gradients.items()}
        return {n: p - self.rate * direction[n] for n, p in parameters.items()}, state

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"rate={self.rate}, momentum={self.momentum}, nesterov={self.nesterov}"


class Step(InnerOptimiser):
    """A plain function as an inner optimiser: `(gradients, parameters) -> new parameters`, all by name.

    Args:
        function: must return new tensors and write nothing in place.

    >>> halve = Step(lambda gradients, parameters: {n: p - 0.5 * gradients[n] for n, p in parameters.items()})
    >>> halve.update({"w": torch.tensor(1.0)}, {}, {"w": torch.tensor(3.0)}, 0, torch.tensor(0.0))[0]
    {'w': tensor(2.5000)}
    """

    def __init__(self, function: Callable[[Parameters, Parameters], Parameters]):
        super().__init__()
        self.function = function

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """What the function returns.

        Raises:
            ConfigurationError: if it is not a new value for each of the parameters.
        """
        new = self.function(gradients, parameters)
        if not isinstance(new, dict) or new.keys() != parameters.keys():
            found = sorted(new) if isinstance(new, dict) else type(new).__name__
            raise ConfigurationError(
                f"An inner step returns a new tensor for each of {', '.join(parameters)}; got {found}."
            )
        return new, state
