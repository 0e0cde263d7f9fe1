"""Where the inner loop starts: at the meta-parameters, or with a head made anew for the task."""

from __future__ import annotations

from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.errors import ConfigurationError, DataError
from innerloop.networks import Backbone, CosineHead
from innerloop.task import Examples

Start = Literal["parameters", "prototypes", "shared"]


def head_names(network: nn.Module) -> list[str]:
    """Names of the head's parameters.

    >>> from innerloop.networks import mlp
    >>> head_names(mlp(1, 1))
    ['head.weight', 'head.bias']
    """
    return [f"head.{name}" for name, _ in cast(nn.Module, network.head).named_parameters()]


def prototype_head(head: nn.Module, features: Tensor, support: Examples) -> dict[str, Tensor]:
    """Parameters of a head that compares with the class means.

    A linear layer's logits are then, up to a constant, negative squared distances to the means:

        w_k = 2 c_k,   b_k = -|c_k|²,   c_k = mean_{y_i = k} f(x_i)

    A cosine head gets the means of the features scaled to length 1: `w_k = mean_{y_i = k} f(x_i) / |f(x_i)|`.

    Args:
        head: the layer whose parameters are replaced.
        features: `(N, D)` of the support inputs.
        support: the support examples.

    Raises:
        DataError: in regression, where there are no classes.

    Source: Triantafillou et al. 2020, "Meta-Dataset", section 3, equations 2 and 3; Snell et al. 2017, equation 8. For
    the cosine head: Qi, Brown and Lowe 2018, "Low-shot learning with imprinted weights", section 3.2.
    """
    ways = _demand_classes(support, "A head of prototypes")
    # not F.one_hot, which looks at the labels' values: a step that is captured as a graph cannot
    labels = torch.arange(ways, device=support.y.device)
    member = ((support.y[:, None] == labels) & support.mask[:, None]).to(features.dtype)
    if isinstance(head, CosineHead):
        features = F.normalize(features, dim=-1)
    means = member.T @ features / member.sum(0).clamp(min=1)[:, None]
    if isinstance(head, CosineHead):
        return {"head.weight": means}
    return {"head.weight": 2 * means, "head.bias": -means.square().sum(1)}


def shared_head(head: nn.Module, support: Examples) -> dict[str, Tensor]:
    """Parameters of a linear head in which all classes start from one and the same vector: `w_k = w`, `b_k = 0`.

    Under cross-entropy `w` cancels out of every probability and gradient: a vector of zeros does as well.

    Raises:
        DataError: in regression, where there are no classes.

    Source: Ye and Chao 2022, "How to train your MAML to excel in few-shot classification", section 5.
    """
    ways = _demand_classes(support, "A head of equal vectors")
    vector = cast(Tensor, head.weight)
    return {"head.weight": vector.repeat(ways, 1), "head.bias": vector.new_zeros(ways)}


def demand_replaceable_head(network: nn.Module, start: Start) -> None:
    """Raises unless the head of `network` can be replaced by what `start` says.

    Raises:
        ConfigurationError: saying what was found.
    """
    head = getattr(network, "head", None)
    linear = isinstance(head, nn.Linear) and head.bias is not None
    fits = linear if start == "shared" else linear or isinstance(head, CosineHead)
    if not isinstance(network, Backbone) or not fits:
        raise ConfigurationError(
            f"start={start!r} needs an innerloop.networks.Backbone with a linear head; got {type(network).__name__} "
            f"with head {type(head).__name__}. Use innerloop.methods."
            f"{'unicorn_maml' if start == 'shared' else 'proto_maml'}, which makes one."
        )
    if start == "shared":
        rows = cast(nn.Linear, head).out_features
        if rows != 1 or cast(nn.Linear, head).bias.requires_grad:
            raise ConfigurationError(
                f"start='shared' needs a head with one output, the vector of every class, and a frozen bias; got "
                f"{rows} outputs. Use innerloop.methods.unicorn_maml, which makes one."
            )
    elif any(p.requires_grad for p in cast(nn.Module, head).parameters()):
        raise ConfigurationError(
            "start='prototypes' makes the head anew in every task, so that its own parameters would never learn. "
            "Freeze them with network.head.requires_grad_(False)."
        )


def _demand_classes(support: Examples, what: str) -> int:
    if support.ways is None:
        raise DataError(f"{what} needs classes; this task has none (ways is None). Use another start.")
    return support.ways
