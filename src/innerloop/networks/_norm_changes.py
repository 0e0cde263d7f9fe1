"""Networks whose norm layers are exchanged: torch's for ours, one weight for one in every inner step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.networks._norm import Norm, norms_of
from innerloop.networks._norm_demands import FOREIGN


def per_step_norms(network: nn.Module, steps: int) -> nn.Module:
    """Gives every `Norm` in `network` a weight and a bias for each of `steps` inner steps, all equal at first.

    Raises:
        ConfigurationError: if the network has no such layer with a single weight.

    Source: Antoniou, Edwards and Storkey 2019, section 4.

    >>> per_step_norms(nn.Sequential(Norm(2)), 3)[0].weight.shape
    torch.Size([3, 2])
    """
    single = [norm for norm in norms_of(network).values() if norm.steps is None]
    if not single or steps < 1:
        raise ConfigurationError(
            f"{type(network).__name__} has {len(single)} layers innerloop.networks.Norm with one weight, and {steps} "
            "steps were asked for. Expected at least one of each; use innerloop.networks.convert_norms(network)."
        )
    for norm in single:
        norm.steps = steps
        norm.weight, norm.bias = (
            nn.Parameter(p.detach().repeat(steps, 1), requires_grad=p.requires_grad) for p in (norm.weight, norm.bias)
        )
    return network


def convert_norms(network: nn.Module) -> nn.Module:
    """Replaces every `nn.BatchNorm*d` in `network` by a `Norm` with the same weights and statistics.

    >>> convert_norms(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)))[1].__class__.__name__
    'Norm'
    """
    if isinstance(network, FOREIGN):
        # None asks torch for a cumulative average, which this layer has not; 0 says that the averages are frozen
        momentum = 0.1 if network.momentum is None else network.momentum
        norm = Norm(network.num_features, network.eps, momentum)
        like = next((t for t in (network.weight, network.running_mean) if t is not None), None)
        norm = norm if like is None else norm.to(like.device, like.dtype)
        pairs: list[tuple[Tensor, Tensor | None]] = [
            (norm.weight, network.weight),
            (norm.bias, network.bias),
            (norm.running_mean, network.running_mean),
            (norm.running_variance, network.running_var),
        ]
        with torch.no_grad():
            for ours, theirs in pairs:
                if theirs is not None:
                    ours.copy_(theirs)
                    ours.requires_grad_(theirs.requires_grad)
                elif isinstance(ours, nn.Parameter):
                    ours.requires_grad_(False)  # affine=False: nothing to learn here
        return norm.train(network.training)
    for name, child in list(network.named_children()):
        setattr(network, name, convert_norms(child))
    return network
