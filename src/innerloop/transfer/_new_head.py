"""A network with its head exchanged: how pretrained features meet a new task."""

from __future__ import annotations

import copy

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks import Backbone


def with_new_head(network: nn.Module, outputs: int, *, copied: bool = True) -> Backbone:
    """`network` with a linear layer of zeros for a head.

    Zeros, so that before the first step every class is equally likely and no class slot is preferred.

    Args:
        network: a network with `features`, `head` and `width` (see `innerloop.networks.Backbone`).
        outputs: number of classes of the new tasks.
        copied: with a copy of the features, so that `network` stays as it is.

    >>> from innerloop.networks import mlp
    >>> with_new_head(mlp(2, 100), 5).head
    Linear(in_features=40, out_features=5, bias=True)
    """
    features, width = getattr(network, "features", None), getattr(network, "width", None)
    if not isinstance(features, nn.Module) or not isinstance(width, int):
        raise ConfigurationError(
            f"{type(network).__name__} has no `features` and `width`: the head cannot be exchanged. "
            "Build it as innerloop.networks.Backbone(features, head, width)."
        )
    head = nn.Linear(width, outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    spec = getattr(network, "spec", None)
    return Backbone(
        copy.deepcopy(features) if copied else features, head, width, {**spec, "outputs": outputs} if spec else None
    )
