"""Choice 4 of the gradient family: which of the inner loop's states the outer loss sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from innerloop.errors import ConfigurationError


@dataclass(frozen=True)
class OuterLoss(ABC):
    """Weights of the query losses after 1, 2, ... inner steps in training; evaluation always takes the last."""

    @abstractmethod
    def weights(self, steps: int) -> list[float]:
        """One weight for each of `steps` inner steps; the loss after a step of weight zero is not computed."""


@dataclass(frozen=True)
class LastStep(OuterLoss):
    """The query loss after the last inner step: MAML.

    >>> LastStep().weights(3)
    [0.0, 0.0, 1.0]
    """

    def weights(self, steps: int) -> list[float]:
        """All on the last step."""
        return [0.0] * (steps - 1) + [1.0]


@dataclass(frozen=True)
class WeightedSteps(OuterLoss):
    """A weighted sum of the query losses after every inner step (multi-step loss of MAML++).

        L = Σ_k w_k L_query(p_k)

    Args:
        each: a weight for each inner step, not all zero.

    Source: Antoniou, Edwards and Storkey 2019, "How to train your MAML", section 4.

    >>> WeightedSteps((0.25, 0.75)).weights(2)
    [0.25, 0.75]
    """

    each: tuple[float, ...]

    def weights(self, steps: int) -> list[float]:
        """The given weights.

        Raises:
            ConfigurationError: if there is not one for each step, or the last is zero.
        """
        if len(self.each) != steps or not self.each[-1]:
            raise ConfigurationError(
                f"WeightedSteps needs a weight for each of the {steps} inner steps, the last one not zero; "
                f"got {self.each}."
            )
        return list(self.each)
