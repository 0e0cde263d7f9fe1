"""Where the inner loop starts: at the meta-parameters, or with a head made of the support set."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError, DataError
from innerloop.networks import Backbone
from innerloop.task import Examples

HEAD = ("head.weight", "head.bias")


def prototype_head(features: Tensor, support: Examples) -> dict[str, Tensor]:
    """A linear layer whose logits are, up to a constant, negative squared distances to the class means.

        w_k = 2 c_k,   b_k = -|c_k|²,   c_k = mean_{y_i = k} f(x_i)

    Args:
        features: `(N, D)` of the support inputs.
        support: the support examples.

    Raises:
        DataError: in regression, where there are no classes.

    Source: Triantafillou et al. 2020, "Meta-Dataset", section 3, equations 2 and 3; Snell et al. 2017, equation 8.
    """
    if support.ways is None:
        raise DataError("A head of prototypes needs classes; this task has none (ways is None). Use another start.")
    # not F.one_hot, which looks at the labels' values: a step that is captured as a graph cannot
    labels = torch.arange(support.ways, device=support.y.device)
    member = ((support.y[:, None] == labels) & support.mask[:, None]).to(features.dtype)
    means = member.T @ features / member.sum(0).clamp(min=1)[:, None]
    return dict(zip(HEAD, (2 * means, -means.square().sum(1)), strict=True))


def demand_replaceable_head(network: nn.Module) -> None:
    """Raises unless the head of `network` is a frozen linear layer after `features`, which a start can replace.

    Raises:
        ConfigurationError: saying what was found.
    """
    head = getattr(network, "head", None)
    if not isinstance(network, Backbone) or not isinstance(head, nn.Linear) or head.bias is None:
        raise ConfigurationError(
            f"start='prototypes' needs an innerloop.networks.Backbone with a linear head; got {type(network).__name__} "
            f"with head {type(head).__name__}. Use innerloop.methods.proto_maml, which makes one."
        )
    if head.weight.requires_grad or head.bias.requires_grad:
        raise ConfigurationError(
            "start='prototypes' makes the head anew in every task, so that its own parameters would never learn. "
            "Freeze them with network.head.requires_grad_(False)."
        )
