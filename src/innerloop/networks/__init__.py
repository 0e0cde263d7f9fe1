"""Networks that learners can adapt. Any `nn.Module` serves; these are the ones that the papers use."""

from collections.abc import Callable
from typing import Any

from torch import nn

from innerloop.catalogue import NETWORKS
from innerloop.networks._backbone import Backbone
from innerloop.networks._backbone import build as _build
from innerloop.networks._bias_mlp import bias_mlp
from innerloop.networks._context import Context, with_context
from innerloop.networks._conv4 import conv4
from innerloop.networks._conv_maps import conv_maps
from innerloop.networks._cosine_head import CosineHead
from innerloop.networks._dropblock import DropBlock
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._gru import gru
from innerloop.networks._mlp import mlp
from innerloop.networks._norm import Norm, NormCall, Policy, Statistics
from innerloop.networks._norm_changes import convert_norms, per_step_norms
from innerloop.networks._resnet12 import resnet12
from innerloop.networks._transformer import transformer

__all__ = [
    "Backbone",
    "Context",
    "CosineHead",
    "DropBlock",
    "FunctionalNetwork",
    "Norm",
    "NormCall",
    "Policy",
    "Statistics",
    "bias_mlp",
    "build",
    "conv4",
    "conv_maps",
    "convert_norms",
    "gru",
    "mlp",
    "per_step_norms",
    "resnet12",
    "transformer",
    "with_context",
]


def build(spec: dict[str, Any]) -> nn.Module:
    """The architecture that a network's `spec` describes, with fresh weights.

    Raises:
        ConfigurationError: if the spec names no network of this package.

    >>> build(mlp(1, 1).spec).width
    40
    """
    builders: dict[str, Callable[..., nn.Module]] = {name: globals()[name] for name in NETWORKS}
    return _build(spec, builders)
