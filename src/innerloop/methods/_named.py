"""What every function of a paper's name does at its end: give the learner its name and the recipe to build it again."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn

from innerloop.learner import Learner

L = TypeVar("L", bound=Learner)


def spec_of(network: nn.Module | None) -> Any:
    """Plain values from which the network can be built again; None for one of somebody's own."""
    return getattr(network, "spec", None)


def named(learner: L, method: str, name: str, network: dict[str, Any] | None, arguments: dict[str, Any]) -> L:
    """The learner with its name for tables, and with a `spec`.

    Args:
        learner: the learner.
        method: name of the function in `innerloop.methods`.
        name: for tables and logs.
        network: spec of the network that the function was given; `{}` where it takes none, None where there is no spec.
        arguments: the function's other arguments.
    """
    learner.name = name
    if network is not None:
        learner.spec = {"method": method, "network": network or None, "arguments": arguments}
    return learner
