"""Conv-4 that keeps feature maps, the embedding of relation networks."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks._backbone import Backbone
from innerloop.networks._conv4 import conv_blocks


def conv_maps(
    filters: int = 64,
    *,
    channels: int = 1,
    size: int = 28,
    downsample: Literal["stride", "pool", "average"] = "pool",
    norm: bool = True,
    activation: Literal["relu", "softplus"] = "relu",
) -> Backbone:
    """Four convolutional blocks of which only the first two halve the picture; the output is a feature map.

    Args:
        filters: channels of every block.
        channels: 1 for grey, 3 for colour pictures.
        size: height and width of the pictures, at least 16.
        downsample: "pool": 2x2 max-pooling (the paper); "stride": convolutions of stride 2, a quarter of the work;
            "average": 2x2 average pooling, smooth.
        norm: with normalisation layers.
        activation: "relu", or "softplus" where smoothness matters (finite differences).

    Returns:
        A network without a head from `(N, channels, size, size)` to `(N, filters, side, side)`; `map_shape` says which.

    Source: Sung et al. 2018, "Learning to compare: relation network for few-shot learning", section 3.4. Padded
    everywhere here: 7x7 are left of 28x28, where the published code has 5x5.

    >>> import torch
    >>> conv_maps(filters=8)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 8, 7, 7])
    """
    if size < 16:
        raise ConfigurationError(f"conv_maps needs pictures of at least 16 pixels a side; got {size}.")
    spec: dict[str, Any] = {
        "network": "conv_maps", "filters": filters, "channels": channels, "size": size, "downsample": downsample,
        "norm": norm, "activation": activation,
    }  # fmt: skip
    layers, side = conv_blocks(channels, filters, size, downsample, norm, activation, halvings=2)
    shape = (filters, side, side)
    return Backbone(nn.Sequential(*layers), nn.Identity(), filters * side * side, spec, shape)
