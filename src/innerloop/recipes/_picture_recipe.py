"""What experiments on pictures have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from innerloop.recipes._recipe import ClassRecipe


@dataclass(frozen=True)
class PictureRecipe(ClassRecipe):
    """An experiment on classes of pictures with Conv-4 or ResNet-12."""

    network: Literal["conv4", "resnet12"] = "conv4"
    """The network."""
    filters: int = 64
    """Channels of Conv-4, or of the first block of ResNet-12."""
    downsample: Literal["stride", "pool"] = "stride"
    """How Conv-4 halves a picture: convolutions of stride 2, or max-pooling."""
