"""Ordinary classification of merged classes, which the transfer learners train by."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.task import Examples


def features_of(network: nn.Module) -> nn.Module:
    """What is kept of a classifier.

    Raises:
        ConfigurationError: if it does not say what that is.
    """
    features = getattr(network, "features", None)
    if not isinstance(features, nn.Module):
        raise ConfigurationError(
            f"{type(network).__name__} has no submodule `features`: pretraining needs to know what to keep. "
            "Build it as innerloop.networks.Backbone(features, head, width)."
        )
    return features


def classification_loss(logits: Tensor, batch: Examples, smoothing: float) -> Tensor:
    """Cross-entropy with label smoothing over the rows of a flat batch.

    Raises:
        ConfigurationError: if there is not one logit for every class.
    """
    if logits.shape[-1] != batch.ways:
        raise ConfigurationError(
            f"Pretraining on {batch.ways} classes needs as many outputs; the network has {logits.shape[-1]}. "
            f"Build it with outputs={batch.ways}."
        )
    each = nn.functional.cross_entropy(logits, batch.y, reduction="none", label_smoothing=smoothing)
    return torch.where(batch.mask, each, 0).sum() / batch.mask.sum()
