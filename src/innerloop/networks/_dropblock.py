"""DropBlock: dropout for feature maps, where single numbers say too little to be missed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.demands import at_least, fraction


class DropBlock(nn.Module):
    """Sets square blocks of every feature map to zero in training, each map by its own draw; nothing in `eval()`.

        γ = drop / b² · HW / ((H - b + 1)(W - b + 1)),   centres ~ Bernoulli(γ),   y = x m HWC / Σ m

    Blocks lie inside the map. Overlapping blocks make the dropped share a little less than `drop`. The scale `Σ m` is
    counted for each example, where the paper counts over the batch: padded rows and the size of a batch have no say.
    Draws come from torch's global generator.

    Args:
        drop: share of the map to drop, at least 0 and less than 1.
        block: side of a block; the shorter side of the map, where that is smaller.

    Raises:
        ConfigurationError: for a share or a side that cannot be.

    Source: Ghiasi, Lin and Le 2018, "DropBlock: a regularization method for convolutional networks", algorithm 1 and
    equation 1. The share stays as it is, where the paper lets it grow during training.

    >>> bool((DropBlock(0.5).eval()(torch.ones(1, 2, 8, 8)) == 1).all())
    True
    """

    def __init__(self, drop: float = 0.1, block: int = 5):
        super().__init__()
        fraction("drop=", drop, 0.1)
        self.drop, self.block = drop, at_least("block=", block, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` `(N, C, H, W)` with blocks of zeros, scaled up to make good for them."""
        if not self.training or not self.drop:
            return x
        kept = self._kept(x)
        share = kept.mean((1, 2, 3), keepdim=True)
        # nothing left to scale up where everything was dropped
        return x * kept / share.clamp(min=1 / kept[0].numel())

    def _kept(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        side = min(self.block, height, width)
        rows, columns = height - side + 1, width - side + 1
        rate = min(1.0, self.drop / side**2 * (height * width) / (rows * columns))
        # one draw for each place of a block's upper left corner
        corners = (torch.rand_like(x[..., :rows, :columns]) < rate).to(x.dtype)
        edge = side - 1
        return 1 - F.max_pool2d(F.pad(corners, (edge, edge, edge, edge)), side, stride=1)

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"drop={self.drop}, block={self.block}"
