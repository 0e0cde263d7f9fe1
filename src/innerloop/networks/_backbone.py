"""The shape that every network of ours has: features, then a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from innerloop.errors import ConfigurationError


class Backbone(nn.Module):
    """A network in two named parts: `forward(x) = head(features(x))`.

    Learners that treat the two parts differently (ANIL, BOIL, frozen features) find them by these names; any
    module of yours with a `features` and a `head` submodule and this `forward` serves as well.

    Args:
        features: the body; returns `(N, width)`.
        head: the last layer; returns `(N, outputs)`.
        width: number of features.
        spec: plain values from which `innerloop.networks.build` makes the same architecture again.
        map_shape: channels, height and width of features that are feature maps `(N, *map_shape)`; None: they are flat.
    """

    def __init__(
        self,
        features: nn.Module,
        head: nn.Module,
        width: int,
        spec: dict[str, Any] | None = None,
        map_shape: tuple[int, int, int] | None = None,
    ):
        super().__init__()
        self.features, self.head, self.width, self.spec = features, head, width, spec
        self.map_shape = map_shape

    def forward(self, x: Tensor) -> Tensor:
        """Outputs `(N, outputs)` for inputs `(N, ...)`."""
        out: Tensor = self.head(self.features(x))
        return out


def linear_head(width: int, outputs: int | None) -> nn.Module:
    """A linear layer initialised as in MAML's code (Glorot weights, zero bias); without `outputs`, the identity."""
    if outputs is None:
        return nn.Identity()
    head = nn.Linear(width, outputs)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def build(spec: dict[str, Any], builders: dict[str, Callable[..., nn.Module]]) -> nn.Module:
    """The architecture that `spec` describes, with fresh weights."""
    arguments = dict(spec)
    name = arguments.pop("network", None)
    if name not in builders:
        raise ConfigurationError(f"Unknown network {name!r}; known are {', '.join(sorted(builders))}.")
    return builders[name](**arguments)
