"""What norm layers can do: policies that a network cannot follow are refused."""

from __future__ import annotations

from typing import get_args

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks._norm import Policy, norms_of

FOREIGN = (nn.modules.batchnorm._BatchNorm,)
"""Batch norm layers of torch, which keep their statistics to themselves."""


def foreign_norms(network: nn.Module) -> list[str]:
    """Names of batch norm layers that are not ours: they cannot follow a policy or a mask.

    Raises:
        ConfigurationError: if one of them keeps running statistics, which no task-wise mapping gets right.
    """
    names = []
    for name, module in network.named_modules():
        if isinstance(module, FOREIGN):
            if module.track_running_stats:
                raise ConfigurationError(
                    f"Layer {name!r} is a {type(module).__name__} with running statistics: it would mix tasks and "
                    "give wrong meta-gradients. Use innerloop.networks.convert_norms(network)."
                )
            names.append(name)
    return names


def demand_policy(network: nn.Module, policy: Policy) -> None:
    """Refuses a policy that the norm layers of `network` cannot follow.

    Raises:
        ConfigurationError: if there is no such policy, or a layer in the way.

    >>> from innerloop.networks import Norm
    >>> demand_policy(nn.Sequential(Norm(2)), "support")
    """
    if policy not in get_args(Policy):
        raise ConfigurationError(f"norm= is one of {', '.join(get_args(Policy))}; got {policy!r}.")
    norms, foreign = norms_of(network), foreign_norms(network)
    if foreign and policy != "batch":
        raise ConfigurationError(
            f"norm={policy!r} needs innerloop's norm layers; {foreign[0]!r} is another batch norm. "
            "Use norm='batch' or innerloop.networks.convert_norms(network)."
        )
    if norms and policy == "none":
        raise ConfigurationError(
            f"norm='none' says that nothing normalises with batch statistics, but {next(iter(norms))!r} "
            "does. Use 'batch', 'support' or 'running', or build the network without norms."
        )
    if policy == "running" and any(norm.steps is not None for norm in norms.values()):
        raise ConfigurationError(
            "Norm layers with weights for each inner step keep no running averages. Use norm='batch' or 'support'."
        )


def demand_averages(network: nn.Module) -> None:
    """Refuses running averages that were never collected: a mean of 0 and a variance of 1 are no batch's.

    Raises:
        ConfigurationError: naming the first layer that still has those.

    >>> import torch
    >>> from innerloop.networks import Norm
    >>> norm = Norm(1)
    >>> norm.absorb(torch.ones(1), torch.ones(1))
    >>> demand_averages(norm)
    """
    for name, norm in norms_of(network).items():
        if not norm.running_mean.any() and bool((norm.running_variance == 1).all()):
            raise ConfigurationError(
                f"norm='running' needs averages collected in training; those of {name!r} are still 0 and 1. Train with "
                "norm='running', or evaluate with 'batch' or 'support'."
            )
