"""Conditional neural process: a task is the mean of what an encoder makes of its examples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from innerloop.losses import Loss
from innerloop.memory._reader import Reader, layers
from innerloop.memory._targets import Targets
from innerloop.networks import Policy, Statistics


class NeuralProcessState(NamedTuple):
    """Sums and counts of the encoded support examples; more examples are simply added.

    Attributes:
        sums: `(W, D)`, a row for each class; one row for numbers.
        counts: `(W,)`.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    sums: Tensor
    counts: Tensor
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values
    ways: int | None = None


class NeuralProcess(Reader):
    """Conditional neural process: encode every example with its target, take the mean, decode it beside a query.

        r = 1/N Σ_i h(z_i, y_i),   (m, v) = g(r, z),   y ~ N(m, v)

    For classes there is a mean for each, side by side: `r = [r_1, ..., r_W]`, and `g` gives logits.

    The order of the support examples does not matter, and adapting from a state adds examples without reading the old
    ones again.

    Args:
        network: the embedding; `innerloop.networks.mlp(inputs, None, [])` passes inputs on as they are.
        targets: classes or numbers.
        width: D, of the hidden layers and of the mean.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the embedding's norm layers.

    Source: Garnelo et al. 2018, "Conditional neural processes", section 2.2 (equations 1 to 3) and 4.3 (classes).
    Four encoder layers, three decoder layers of 128: the published code.
    """

    state_type = NeuralProcessState

    def __init__(
        self,
        network: nn.Module,
        targets: Targets,
        *,
        width: int = 128,
        features: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, targets, features=features, loss=loss, norm=norm)
        self.rows = targets.ways or 1
        self.encoder = layers(self.features + targets.size, width, width, width, width)
        self.decoder = layers(self.rows * width + self.features, width, width, targets.head)

    def read(self, z: Tensor, y: Tensor, mask: Tensor | None, before: NeuralProcessState | None) -> NeuralProcessState:
        """Adds up the encoded examples."""
        encoded = self.encoder(torch.cat([z, y], dim=-1))
        member = torch.ones_like(z[:, :1]) if self.targets.ways is None else y
        if mask is not None:
            member = member * mask[:, None]
        sums, counts = member.T @ encoded, member.sum(0)
        if before is not None:
            sums, counts = sums + before.sums, counts + before.counts
        return NeuralProcessState(sums, counts)

    def answer(self, state: NeuralProcessState, z: Tensor) -> Tensor:
        """Decodes the means beside every query."""
        # a class without examples has its mean at the origin, not at NaN
        means = (state.sums / state.counts.clamp(min=1)[:, None]).flatten()
        out: Tensor = self.decoder(torch.cat([means.expand(len(z), -1), z], dim=-1))
        return out
