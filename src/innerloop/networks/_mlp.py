"""Multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from innerloop.networks._backbone import Backbone, linear_head


def mlp(
    inputs: int,
    outputs: int | None,
    hidden: Sequence[int] = (40, 40),
    *,
    activation: Literal["relu", "softplus"] = "relu",
    initial: Literal["torch", "he"] = "torch",
) -> Backbone:
    """Fully connected layers with a non-linearity between them; inputs of any shape are flattened.

    The default has the two hidden layers of 40 that MAML uses for sinusoids.

    Args:
        inputs: number of input values per example.
        outputs: number of outputs; None: no head, the features are the output.
        hidden: widths of the hidden layers.
        activation: "relu", or "softplus" where smoothness matters.
        initial: how the hidden weights are drawn: "torch", uniformly within 1/√inputs, as `nn.Linear` has them, or
            "he", within √(6/inputs) (He et al. 2015). The larger ones keep the size of what passes through. From the
            smaller ones longer inner steps converge, and several of them: on sinusoids with inputs up to 5, five inner
            steps of 0.01 diverge on some tasks from "he".

    Source: Finn, Abbeel and Levine 2017, section 5.1.

    >>> import torch
    >>> mlp(1, 1)(torch.zeros(10, 1)).shape
    torch.Size([10, 1])
    """
    spec = {"network": "mlp", "inputs": inputs, "outputs": outputs, "hidden": list(hidden), "activation": activation}
    layers: list[nn.Module] = [nn.Flatten()]
    width = inputs
    for size in hidden:
        layer = nn.Linear(width, size)
        if initial == "he":
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU() if activation == "relu" else nn.Softplus()]
        width = size
    return Backbone(nn.Sequential(*layers), linear_head(width, outputs), width, spec)
