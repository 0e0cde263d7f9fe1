"""Networks that say how well two embeddings go together."""

from __future__ import annotations

from typing import Literal

from torch import nn

from innerloop.networks._backbone import linear_head
from innerloop.networks._conv4 import conv_block


def relation_module(
    shape: int | tuple[int, int, int],
    *,
    hidden: int = 8,
    downsample: Literal["pool", "average"] = "pool",
    norm: bool = True,
    activation: Literal["relu", "softplus"] = "relu",
) -> nn.Module:
    """A network from a pair of embeddings, one after the other along the channels, to one number.

    For feature maps: two convolutional blocks that halve them, then two fully connected layers, as in the paper. For
    vectors: three fully connected layers, the first as wide as an embedding; a choice, after the paper's zero-shot
    network.

    Args:
        shape: `(channels, height, width)` of a feature map, or the length of a vector.
        hidden: width of the last hidden layer; 8 in the paper.
        downsample: how maps are halved, where they are at least 2 wide.
        norm: with normalisation layers (between convolutions only).
        activation: "relu", or "softplus" where smoothness matters.

    Source: Sung et al. 2018, "Learning to compare: relation network for few-shot learning", section 3.4.

    >>> import torch
    >>> relation_module(5)(torch.zeros(2, 10)).shape, relation_module((4, 7, 7))(torch.zeros(2, 8, 7, 7)).shape
    (torch.Size([2, 1]), torch.Size([2, 1]))
    """
    act = nn.ReLU if activation == "relu" else nn.Softplus
    if isinstance(shape, int):
        first = linear_head(2 * shape, shape)
        return nn.Sequential(first, act(), linear_head(shape, hidden), act(), linear_head(hidden, 1))
    channels, height, width = shape
    layers: list[nn.Module] = []
    for block in range(2):
        halving = downsample if min(height, width) >= 2 else None
        layers += conv_block(2 * channels if block == 0 else channels, channels, halving, norm, activation)
        if halving is not None:
            height, width = height // 2, width // 2
    flat = linear_head(channels * height * width, hidden)
    return nn.Sequential(*layers, nn.Flatten(), flat, act(), linear_head(hidden, 1))
