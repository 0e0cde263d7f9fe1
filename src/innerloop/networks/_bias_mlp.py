"""Multi-layer perceptron with a learned vector beside its input, for imitation by gradient steps."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks._backbone import Backbone
from innerloop.networks._context import Context


def bias_mlp(inputs: int, outputs: int, hidden: Sequence[int] = (100, 100), bias: int = 10) -> Backbone:
    """Fully connected layers, the first of which sees the input beside a vector of parameters ("bias transformation").

        h = relu(W x + b + V c),   c meta-learned and adapted like every other parameter

    The gradient of W and b alone ties how the bias moves to how the weights do; V and c set it free. Weights start as
    PyTorch gives them, smaller than `mlp`'s He-uniform ones, with which one inner step of 0.1 on a demonstration is
    near the edge of what converges.

    Args:
        inputs: number of input values per example.
        outputs: number of outputs.
        hidden: widths of the hidden layers, at least one.
        bias: length of c.

    Raises:
        ConfigurationError: if there is no hidden layer, or the vector is empty.

    Source: Finn et al. 2017, "One-shot visual imitation learning via meta-learning", whose policies have
    a 10-dimensional one, and 100-100 hidden units where the state is no picture.

    >>> import torch
    >>> bias_mlp(7, 4)(torch.zeros(10, 7)).shape
    torch.Size([10, 4])
    """
    if not hidden:
        raise ConfigurationError("bias_mlp has at least one hidden layer, whose input the learned vector is beside.")
    spec = {"network": "bias_mlp", "inputs": inputs, "outputs": outputs, "hidden": list(hidden), "bias": bias}
    first = Context(nn.Linear(inputs, hidden[0]), bias)
    first.context.requires_grad_(True)  # unlike CAVIA's, it is trained, and does not start at zero for good
    layers: list[nn.Module] = [nn.Flatten(), first, nn.ReLU()]
    width = hidden[0]
    for size in hidden[1:]:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return Backbone(nn.Sequential(*layers), nn.Linear(width, outputs), width, spec)
