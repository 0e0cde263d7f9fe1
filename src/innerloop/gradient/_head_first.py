"""An inner loop in two phases: the head alone at first, then everything."""

from __future__ import annotations

import torch
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.gradient._optimisers import InnerOptimiser, OptimiserState, Parameters


class HeadFirst(InnerOptimiser):
    """Another inner optimiser whose first steps move the head only.

    A new head says nothing yet, and gradients through it would spoil pretrained features.

    Args:
        optimiser: what takes the steps.
        steps: how many steps the head is alone.

    Source: Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution",
    section 3.4 (linear probing, then fine-tuning).

    >>> from innerloop.gradient import SGD
    >>> p = {"body": torch.tensor(1.0), "head.weight": torch.tensor(1.0)}
    >>> HeadFirst(SGD(0.5), steps=1).update(p, {}, p, 0, torch.tensor(0.0))[0]
    {'body': tensor(1.), 'head.weight': tensor(0.5000)}
    """

    def __init__(self, optimiser: InnerOptimiser, steps: int):
        super().__init__()
        self.optimiser, self.steps = optimiser, at_least("steps=", steps, 0)

    def build(self, parameters: Parameters) -> None:
        """As the other optimiser does.

        Raises:
            ConfigurationError: if no head adapts.
        """
        if not any(name.startswith("head.") for name in parameters):
            raise ConfigurationError(
                f"HeadFirst needs a submodule `head` that adapts; the parameters are {', '.join(parameters)}."
            )
        self.optimiser.build(parameters)

    def init(self, parameters: Parameters) -> OptimiserState:
        """The state of the other optimiser."""
        return self.optimiser.init(parameters)

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """A step of the other optimiser, in the beginning of the head alone."""
        if step >= self.steps:
            return self.optimiser.update(gradients, state, parameters, step, loss)
        # moments of the body stay at zero, so that it starts afresh
        seen = {n: g if n.startswith("head.") else torch.zeros_like(g) for n, g in gradients.items()}
        new, state = self.optimiser.update(seen, state, parameters, step, loss)
        return {n: p if n.startswith("head.") else parameters[n] for n, p in new.items()}, state
