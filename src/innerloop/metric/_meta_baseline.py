"""Meta-Baseline: cosine prototypes whose scale is learned, meant to start from pretrained features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from innerloop.losses import Loss
from innerloop.metric._prototypes import Prototypes, cosine
from innerloop.networks._norm import Policy


class MetaBaseline(Prototypes):
    """Prototypes compared by cosine similarity times a learned scale.

        logits_k = τ cos(f(x), c_k)

    Args:
        network: the embedding, pretrained as a classifier (see `innerloop.transfer.start_from`).
        scale: where τ starts.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Source: Chen et al. 2021, "Meta-Baseline: exploring simple meta-learning for few-shot learning", equations 2 and 3;
    τ starts at 10 there.
    """

    def __init__(self, network: nn.Module, *, scale: float = 10.0, loss: Loss | None = None, norm: Policy = "running"):
        super().__init__(network, distance="cosine", loss=loss, norm=norm)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def _compare(self, z: Tensor, prototypes: Tensor) -> Tensor:
        return cosine(z, prototypes, self.scale)
