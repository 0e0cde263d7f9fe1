"""What experiments on pictures have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from innerloop.recipes._recipe import ClassRecipe

if TYPE_CHECKING:
    from innerloop.sources import Pictures


@dataclass(frozen=True)
class PictureRecipe(ClassRecipe):
    """An experiment on classes of pictures with Conv-4 or ResNet-12."""

    network: Literal["conv4", "resnet12"] = "conv4"
    """The network."""
    filters: int = 64
    """Channels of Conv-4, or of the first block of ResNet-12."""
    downsample: Literal["stride", "pool"] = "stride"
    """How Conv-4 halves a picture: convolutions of stride 2, or max-pooling."""

    def pictures(self) -> Pictures:
        """How files become what the network was trained on: here as Characters are, 28 x 28 with bright ink."""
        from innerloop.sources import Pictures

        return Pictures(28, grey=True, ink="bright")
