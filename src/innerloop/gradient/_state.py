"""A task that was learned by gradient steps."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from innerloop.gradient._optimisers import OptimiserState
from innerloop.networks import Statistics


class GradientState(NamedTuple):
    """A task learned by gradient steps.

    Attributes:
        parameters: the adapted parameters, by name in the network.
        optimiser: state of the inner optimiser.
        statistics: of the support set under the adapted parameters (only with norm="support").
        steps: how many steps were taken.
        ways: number of classes; None in regression.
    """

    parameters: dict[str, Tensor]
    optimiser: OptimiserState = {}  # noqa: RUF012  # never written to: states are values
    statistics: Statistics = {}  # noqa: RUF012
    steps: int = 0
    ways: int | None = None
