"""Combinations of the four choices that cannot work, each with the way out."""

from __future__ import annotations

from collections.abc import Sequence

from innerloop.errors import ConfigurationError
from innerloop.gradient._optimisers import InnerOptimiser
from innerloop.gradient._outer_gradient import OuterGradient
from innerloop.gradient._outer_loss import LastStep, OuterLoss
from innerloop.gradient._start import Start


def demand_sense(
    adjoint: OuterGradient, outer_loss: OuterLoss, optimiser: InnerOptimiser, start: Start, others: Sequence[str]
) -> None:
    """Refuses choices that leave something without the gradient that it is to learn from.

    Args:
        adjoint: how the outer gradient passes the inner loop.
        outer_loss: which states of the inner loop the outer loss sees.
        optimiser: the inner optimiser.
        start: where the inner loop starts.
        others: names of the parameters that learn without adapting.

    Raises:
        ConfigurationError: saying what would never learn, and what to choose.

    >>> from innerloop.gradient import SGD, Unrolled
    >>> demand_sense(Unrolled(), LastStep(), SGD(0.1), "parameters", ["head.weight"])
    """
    name = type(adjoint).__name__
    if not adjoint.uses_query_gradient and others:
        raise ConfigurationError(
            f"{name} moves only what adapts, so {', '.join(others[:3])} would never "
            "learn. Use which='all', or freeze the rest with requires_grad_(False)."
        )
    if not adjoint.uses_path and not isinstance(outer_loss, LastStep):
        # the gradient would be that of the last step's loss alone, whatever loss is reported
        raise ConfigurationError(
            f"{name} knows only where the inner loop ended, so it has no gradient for the steps "
            f"that {type(outer_loss).__name__} weighs. Use outer_loss=LastStep(), or Unrolled()."
        )
    if adjoint.stride > 1 and not isinstance(outer_loss, LastStep):
        raise ConfigurationError(
            f"{name} keeps one state in {adjoint.stride} and hands on no other, and {type(outer_loss).__name__} weighs "
            "those between. Use outer_loss=LastStep(), or stride=1."
        )
    if adjoint.uses_query_gradient and adjoint.uses_path:
        return
    if start != "parameters":
        raise ConfigurationError(
            f"{name} needs an inner loop that starts at the meta-parameters; "
            f"start={start!r} does not. Use Unrolled() or FirstOrder()."
        )
    if any(p.requires_grad for p in optimiser.parameters()):
        raise ConfigurationError(
            f"{name} does not look at the steps of the inner loop, so the meta-parameters "
            f"of {type(optimiser).__name__} would never learn. Use an optimiser without any."
        )
