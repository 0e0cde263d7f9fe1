"""The metric family by the papers' names."""

from __future__ import annotations

from typing import Any

from torch import nn

from innerloop.losses import Loss
from innerloop.methods._named import named, spec_of
from innerloop.metric import MetaBaseline, Prototypes
from innerloop.networks._norm import Policy


def prototypes(
    embedding: nn.Module, *, distance: Any = "euclidean", loss: Loss | None = None, norm: Policy = "running"
) -> Prototypes:
    """Prototypical networks: the nearest class mean in a learned embedding.

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`.
        distance: "euclidean" (the paper) or "cosine".
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Source: Snell, Swersky and Zemel 2017.
    """
    learner = Prototypes(embedding, distance=distance, loss=loss, norm=norm)
    return named(learner, "prototypes", "Prototypes", spec_of(embedding), {"distance": distance, "norm": norm})


def meta_baseline(
    embedding: nn.Module, *, scale: float = 10.0, loss: Loss | None = None, norm: Policy = "running"
) -> MetaBaseline:
    """Meta-Baseline: cosine prototypes with a learned scale, meta-trained from pretrained features.

        logits_k = τ cos(f(x), c_k)

    Pretrain a classifier with `pretraining`, then `innerloop.transfer.start_from(learner, pretrained)`, or
    `innerloop train ... --method meta_baseline --start RUN`.

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`.
        scale: where τ starts.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Source: Chen et al. 2021, "Meta-Baseline", section 3.
    """
    learner = MetaBaseline(embedding, scale=scale, loss=loss, norm=norm)
    return named(learner, "meta_baseline", "Meta-Baseline", spec_of(embedding), {"scale": scale, "norm": norm})
