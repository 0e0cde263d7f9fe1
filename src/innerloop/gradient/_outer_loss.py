"""Choice 4 of the gradient family: which of the inner loop's states the outer loss sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError


@dataclass(frozen=True)
class OuterLoss(ABC):
    """Weights of the query losses after 1, 2, ... inner steps in training; evaluation always takes the last."""

    def at(self, outer_step: int) -> OuterLoss:
        """The outer loss to use in an outer step; another one while something is annealed."""
        return self

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
        each: a weight for each inner step, the last not zero.

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


@dataclass(frozen=True)
class AnnealedSteps(OuterLoss):
    """Equal weights on all steps at first, moving to the last step during meta-training: MAML++.

        w_k = max(1/K - e/(K E), 0.03/K) for k < K,   w_K = 1 - Σ w_k,   in stage e of E

    After `until` outer steps the last step alone counts.

    Args:
        until: outer steps that the annealing takes.
        stages: number of values `E` that the weights take on the way.
        stage: the stage `e` that has been reached.

    Source: Antoniou, Edwards and Storkey 2019, section 4; ten stages (epochs) and the floor of 0.03/K as in its
    published code.

    >>> AnnealedSteps(until=100).at(0).weights(2), AnnealedSteps(until=100).at(100).weights(2)
    ([0.5, 0.5], [0.0, 1.0])
    """

    until: int
    stages: int = 10
    stage: int = 0

    def __post_init__(self) -> None:
        at_least("until=", self.until, 1)
        at_least("stages=", self.stages, 1)

    def at(self, outer_step: int) -> OuterLoss:
        """The stage of an outer step; `LastStep` from `until` on."""
        if outer_step >= self.until:
            return LastStep()
        return replace(self, stage=outer_step * self.stages // self.until)

    def weights(self, steps: int) -> list[float]:
        """The weights in this stage."""
        early = max((1 - self.stage / self.stages) / steps, 0.03 / steps)
        return [early] * (steps - 1) + [1 - early * (steps - 1)]
