"""Attentive neural process, deterministic path: every query takes a mean of its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.losses import Loss
from innerloop.memory._reader import Reader, layers
from innerloop.memory._targets import Targets
from innerloop.networks import Policy, Statistics
from innerloop.networks._transformer import fused_attention, heads_apart, heads_joined


class AttentiveProcessState(NamedTuple):
    """The encoded support set; more examples are appended.

    Attributes:
        keys: `(N, D)` where the examples are.
        values: `(N, D)` what they say.
        mask: `(N,)` False where a row is padding.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    keys: Tensor
    values: Tensor
    mask: Tensor
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values
    ways: int | None = None


class AttentiveProcess(Reader):
    """Attentive neural process without its latent variable: a query attends to the encoded examples.

        r(z) = attention(query a(z), keys a(z_i), values h(z_i, y_i)),   (m, v) = g(r(z), z),   y ~ N(m, v)

    with several heads, and one network `a` for queries and keys. For classes `y_i` marks the slot, and `g` gives
    logits.

    The order of the support examples does not matter. There is no attention among them, so each is encoded by itself
    and more examples are appended.

    This is the *deterministic* path alone. The latent path, which draws coherent functions, is left out: predictions
    of different points are independent of one another given the support set.

    Args:
        network: the embedding; `innerloop.networks.mlp(inputs, None, [])` passes inputs on as they are.
        targets: classes or numbers.
        width: D, of all layers.
        heads: of the attention; they divide the width.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the embedding's norm layers.

    Source: Kim et al. 2019, "Attentive neural processes", section 3 and figure 2 (upper path); 8 heads, layers of 128:
    the published code.
    """

    state_type = AttentiveProcessState

    def __init__(
        self,
        network: nn.Module,
        targets: Targets,
        *,
        width: int = 128,
        heads: int = 8,
        features: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, targets, features=features, loss=loss, norm=norm)
        if width < 1 or heads < 1 or width % heads:
            raise ConfigurationError(
                f"Heads divide the width; got {heads} heads and width {width}. Make the width a multiple of the heads."
            )
        self.heads = heads
        self.address = layers(self.features, width, width)
        self.encoder = layers(self.features + targets.size, width, width, width, width)
        self.decoder = layers(width + self.features, width, width, targets.head)

    def read(
        self, z: Tensor, y: Tensor, mask: Tensor | None, before: AttentiveProcessState | None
    ) -> AttentiveProcessState:
        """Appends the encoded examples."""
        keys, values = self.address(z), self.encoder(torch.cat([z, y], dim=-1))
        mask = torch.ones_like(z[:, 0], dtype=torch.bool) if mask is None else mask
        if before is not None:
            pairs = ((before.keys, keys), (before.values, values), (before.mask, mask))
            keys, values, mask = (torch.cat(pair) for pair in pairs)
        return AttentiveProcessState(keys, values, mask)

    def answer(self, state: AttentiveProcessState, z: Tensor) -> Tensor:
        """Attends to the examples from every query, and decodes."""
        query, keys, values = (heads_apart(x, self.heads) for x in (self.address(z), state.keys, state.values))
        read = heads_joined(fused_attention(query, keys, values, state.mask))
        out: Tensor = self.decoder(torch.cat([read, z], dim=-1))
        return out
