"""Conv-4, the network of the few-shot picture papers."""

from __future__ import annotations

from typing import Any, Literal, cast

from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.networks._backbone import Backbone, linear_head
from innerloop.networks._norm import Norm


def conv_block(
    channels: int,
    filters: int,
    downsample: Literal["stride", "pool", "average"] | None,
    norm: bool,
    activation: Literal["relu", "softplus"],
) -> list[nn.Module]:
    """A 3x3 convolution, normalisation, non-linearity and, unless `downsample` is None, a halving of the picture."""
    convolution = nn.Conv2d(channels, filters, 3, stride=2 if downsample == "stride" else 1, padding=1)
    nn.init.xavier_uniform_(convolution.weight)
    nn.init.zeros_(cast(Tensor, convolution.bias))
    layers: list[nn.Module] = [convolution]
    if norm:
        layers.append(Norm(filters))
    layers.append(nn.ReLU() if activation == "relu" else nn.Softplus())
    if downsample in ("pool", "average"):
        layers.append(nn.MaxPool2d(2) if downsample == "pool" else nn.AvgPool2d(2))
    return layers


def conv_blocks(
    channels: int,
    filters: int,
    size: int,
    downsample: Literal["stride", "pool", "average"],
    norm: bool,
    activation: Literal["relu", "softplus"],
    *,
    halvings: int = 4,
) -> tuple[list[nn.Module], int]:
    """Four blocks, of which the first `halvings` halve the picture, and the size of what is left of it."""
    layers: list[nn.Module] = []
    for block in range(4):
        halving = downsample if block < halvings else None
        layers += conv_block(channels if block == 0 else filters, filters, halving, norm, activation)
        if halving is not None:
            size = (size + 1) // 2 if halving == "stride" else size // 2
    return layers, size


def conv4(
    outputs: int | None = 5,
    filters: int = 64,
    *,
    channels: int = 1,
    size: int = 28,
    downsample: Literal["stride", "pool", "average"] = "stride",
    norm: bool = True,
    activation: Literal["relu", "softplus"] = "relu",
) -> Backbone:
    """Four blocks of 3x3 convolution, normalisation, non-linearity and a halving of the picture.

    Weights are Glorot-uniform and biases zero, as in the code published with MAML.

    Args:
        outputs: number of logits; None: no head, the features are the output.
        filters: channels of every block: 64 on Omniglot, 32 on miniImageNet.
        channels: 1 for grey, 3 for colour pictures.
        size: height and width of the pictures, at least 16.
        downsample: "stride": convolutions of stride 2 (MAML on Omniglot); "pool": 2x2 max-pooling (Vinyals et al.,
            prototypical networks, MAML on miniImageNet); "average": 2x2 average pooling, smooth.
        norm: with normalisation layers.
        activation: "relu", or "softplus" where smoothness matters (finite differences).

    Returns:
        A network of `(N, channels, size, size)` pictures. Strided, its features are the spatial mean, `filters` of
        them; pooled, all that is left of the picture.

    Source: Vinyals et al. 2016, "Matching networks", section 4.1; Finn et al. 2017, section 5.2.

    >>> import torch
    >>> conv4(outputs=5)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 5])
    """
    if size < 16:
        raise ConfigurationError(f"conv4 halves a picture four times: size must be at least 16; got {size}.")
    spec: dict[str, Any] = {
        "network": "conv4", "outputs": outputs, "filters": filters, "channels": channels, "size": size,
        "downsample": downsample, "norm": norm, "activation": activation,
    }  # fmt: skip
    layers, side = conv_blocks(channels, filters, size, downsample, norm, activation)
    if downsample == "stride":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        width = filters
    else:
        layers.append(nn.Flatten())
        width = filters * side * side
    return Backbone(nn.Sequential(*layers), linear_head(width, outputs), width, spec)
