"""Pretrained features as the start of another learner."""

from __future__ import annotations

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.learner import Learner


def start_from(learner: Learner, pretrained: nn.Module, *, source: str = "the pretrained network") -> None:
    """Copies pretrained features, running averages of norm layers included, into a learner's network.

    The head stays as it is: it has other classes. What is meta-trained from there is pretrained first, then
    meta-trained.

    Args:
        learner: a learner whose network has `features`; it is changed in place.
        pretrained: a network with `features` of the same architecture, or a learner of one.
        source: what the features are, for errors.

    Raises:
        ConfigurationError: naming what does not fit; nothing has been changed then.

    Source: Chen et al. 2021, "Meta-Baseline", section 3.2; Ye and Chao 2022, "How to train your MAML to excel in
    few-shot classification", section 3.

    >>> from innerloop.methods import pretraining, prototypes
    >>> from innerloop.networks import mlp
    >>> before, learner = pretraining(mlp(3, 64)), prototypes(mlp(3, None))
    >>> start_from(learner, before)
    >>> bool((learner.network.features[1].weight == before.network.features[1].weight).all())
    True
    """
    own, given = _features(learner, learner.name), _features(pretrained, source)
    mine, theirs = own.state_dict(), given.state_dict()
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        if name not in mine or name not in theirs:
            lacks = learner.name if name not in mine else source
            raise ConfigurationError(
                f"The features do not fit: {lacks} has no {name!r}. Build both networks with the same settings."
            )
        if mine[name].shape != theirs[name].shape:
            raise ConfigurationError(
                f"The features do not fit: {name!r} has shape {tuple(theirs[name].shape)} in {source} and "
                f"{tuple(mine[name].shape)} in {learner.name}. Build both networks with the same settings."
            )
    own.load_state_dict(theirs)


def _features(module: nn.Module, what: str) -> nn.Module:
    network = getattr(module, "network", module)
    features = getattr(network, "features", None)
    if not isinstance(features, nn.Module):
        raise ConfigurationError(
            f"{what} has no features to start from: its network, a {type(network).__name__}, has no `features`. "
            "Build it as innerloop.networks.Backbone(features, head, width)."
        )
    return features
