"""A network with its head exchanged: how pretrained features meet a new task."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks import Backbone, CosineHead


def with_new_head(network: nn.Module, outputs: int, *, copied: bool = True) -> Backbone:
    """`network` with a linear layer of zeros for a head.

    Zeros, so that before the first step every class is equally likely and no class slot is preferred.

    Args:
        network: a network with `features`, `head` and `width` (see `innerloop.networks.Backbone`).
        outputs: number of classes of the new tasks.
        copied: with a copy of the features, so that `network` stays as it is.

    Raises:
        ConfigurationError: if the network has no `features` and `width`.

    >>> from innerloop.networks import mlp
    >>> with_new_head(mlp(2, 100), 5).head
    Linear(in_features=40, out_features=5, bias=True)
    """
    features, width, spec = _parts(network)
    head = nn.Linear(width, outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    spec = {**spec, "outputs": outputs} if spec else None
    return Backbone(copy.deepcopy(features) if copied else features, head, width, spec)


def with_cosine_head(network: nn.Module, outputs: int, scale: float = 10.0, *, copied: bool = True) -> Backbone:
    """`network` with a cosine classifier for a head; see `with_new_head` for the arguments and `CosineHead`.

    Raises:
        ConfigurationError: if the network has no `features` and `width`.

    >>> from innerloop.networks import mlp
    >>> with_cosine_head(mlp(2, 100), 5).head
    CosineHead(width=40, outputs=5, scale=10.0)
    """
    features, width, _ = _parts(network)
    return Backbone(copy.deepcopy(features) if copied else features, CosineHead(width, outputs, scale), width)


def without_head(network: nn.Module) -> nn.Module:
    """A copy of the features of a `Backbone`-like network, as a network; any other module is taken for an embedding.

    >>> from innerloop.networks import mlp
    >>> without_head(mlp(2, 100)).head
    Identity()
    """
    if not hasattr(network, "features"):
        return copy.deepcopy(network)
    features, width, spec = _parts(network)
    return Backbone(copy.deepcopy(features), nn.Identity(), width, {**spec, "outputs": None} if spec else None)


def _parts(network: nn.Module) -> tuple[nn.Module, int, dict[str, Any] | None]:
    features, width = getattr(network, "features", None), getattr(network, "width", None)
    if not isinstance(features, nn.Module) or not isinstance(width, int):
        raise ConfigurationError(
            f"{type(network).__name__} has no `features` and `width`: the head cannot be exchanged. "
            "Build it as innerloop.networks.Backbone(features, head, width)."
        )
    return features, width, getattr(network, "spec", None)
