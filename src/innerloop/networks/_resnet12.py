"""ResNet-12, the larger network of the few-shot picture papers."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.networks._backbone import Backbone, linear_head
from innerloop.networks._dropblock import DropBlock
from innerloop.networks._norm import Norm

_WIDER = (1.0, 2.5, 5.0, 10.0)
"""Channels of the four blocks over those of the first: 64, 160, 320, 640."""
_SLOPE = 0.1


def resnet12(
    outputs: int | None = 5,
    filters: int = 64,
    *,
    channels: int = 3,
    size: int = 84,
    drop: float = 0.1,
    block: int = 5,
) -> Backbone:
    """Four residual blocks of three 3x3 convolutions, each halving the picture; the spatial mean is the features.

    A block is `leaky(norm(conv)) -> leaky(norm(conv)) -> norm(conv)`, plus a normalised 1x1 convolution of its input,
    then the non-linearity (slope 0.1) and 2x2 max-pooling. `DropBlock` follows in the last two. Convolutions have no
    bias and start with He's normal weights.

    Args:
        outputs: number of logits; None: no head, the features are the output.
        filters: channels of the first block, even; the others have 2.5, 5 and 10 times as many. 64 in the papers.
        channels: 1 for grey, 3 for colour pictures.
        size: height and width of the pictures, at least 16.
        drop: share that DropBlock drops in training; 0: none.
        block: side of DropBlock's blocks.

    Returns:
        A network of `(N, channels, size, size)` pictures with `10 * filters` features.

    Source: Lee et al. 2019, "Meta-learning with differentiable convex optimization" (MetaOptNet), section 4.1 and its
    published code (DropBlock 0.1 with blocks of 5, reached gradually there and from the start here, and ordinary
    dropout in the first two blocks, which is left out here); the spatial mean as in Tian et al. 2020, "Rethinking
    few-shot image classification".

    >>> import torch
    >>> resnet12(5, 4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 5])
    """
    if size < 16:
        raise ConfigurationError(f"resnet12 halves a picture four times: size must be at least 16; got {size}.")
    if filters < 2 or filters % 2:
        raise ConfigurationError(f"resnet12's second block is 2.5 times as wide: filters must be even; got {filters}.")
    spec: dict[str, Any] = {
        "network": "resnet12", "outputs": outputs, "filters": filters, "channels": channels, "size": size,
        "drop": drop, "block": block,
    }  # fmt: skip
    widths = [int(filters * factor) for factor in _WIDER]
    blocks: list[nn.Module] = [
        _Block(before, after, DropBlock(drop, block) if number > 1 else None)
        for number, (before, after) in enumerate(zip([channels, *widths], widths, strict=False))
    ]
    features = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(features, linear_head(widths[-1], outputs), widths[-1], spec)


class _Block(nn.Module):
    def __init__(self, before: int, after: int, dropped: nn.Module | None):
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(3):
            layers += [_convolution(before if number == 0 else after, after, 3), Norm(after)]
            if number < 2:
                layers.append(nn.LeakyReLU(_SLOPE))
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Sequential(_convolution(before, after, 1), Norm(after))
        self.dropped = nn.Identity() if dropped is None else dropped

    def forward(self, x: Tensor) -> Tensor:
        """`(N, after, H // 2, W // 2)` for `x` `(N, before, H, W)`."""
        y: Tensor = self.dropped(F.max_pool2d(F.leaky_relu(self.layers(x) + self.shortcut(x), _SLOPE), 2))
        return y


def _convolution(before: int, after: int, side: int) -> nn.Conv2d:
    layer = nn.Conv2d(before, after, side, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, a=_SLOPE, mode="fan_out", nonlinearity="leaky_relu")
    return layer
