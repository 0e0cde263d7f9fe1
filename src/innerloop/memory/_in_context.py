"""A transformer that learns in its context: no weight changes when a task is met."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.losses import Loss
from innerloop.memory._reader import Reader
from innerloop.memory._targets import Targets
from innerloop.networks import Policy, Statistics
from innerloop.networks._transformer import TransformerBlock, fused_attention


class InContextState(NamedTuple):
    """The support set as the queries see it.

    Attributes:
        tokens: `(N, D)` the examples with their targets, before the first layer.
        keys: `(layers, N, D)` of every layer.
        values: `(layers, N, D)` of every layer.
        mask: `(N,)` False where a row is padding.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    tokens: Tensor
    keys: Tensor
    values: Tensor
    mask: Tensor
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values
    ways: int | None = None


class InContext(Reader):
    """In-context learner: a transformer reads the support set, and query tokens attend to what it made of it.

        support token  W z_i + V y_i,   query token  W z + u

    `V` has a learned embedding for each label slot (a linear map, for numbers) and `u` stands for the unknown target.
    Support tokens attend to one another; query tokens attend to the support tokens and not to one another. There are no
    positions, so the order of the support examples does not matter.

    The keys and values of the support set are computed once. More examples change what the old ones attend to, so
    reading on from a state computes them anew, for all examples together, from their tokens: the embeddings are not
    needed again, and the result is that of reading everything at once. Letting each example attend to earlier ones only
    would make appending cheaper and the order count.

    Attention runs through PyTorch's fused kernel where the mapping allows it: the outer loop takes first derivatives.

    Args:
        network: the embedding; `innerloop.networks.mlp(inputs, None, [])` passes inputs on as they are.
        targets: classes or numbers.
        width: D, of a token.
        layers: transformer blocks.
        heads: of the attention; they divide the width.
        hidden: of the blocks' perceptrons.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the embedding's norm layers.

    Source: Nguyen and Grover 2022, "Transformer neural processes", section 3 (TNP-D), and the published code's sizes;
    Müller et al. 2022, "Transformers can do Bayesian inference", section 3 (what attends to what).
    """

    state_type = InContextState

    def __init__(
        self,
        network: nn.Module,
        targets: Targets,
        *,
        width: int = 64,
        layers: int = 6,
        heads: int = 4,
        hidden: int = 128,
        features: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, targets, features=features, loss=loss, norm=norm)
        at_least("layers=", layers, 1)
        self.inputs = nn.Linear(self.features, width)
        self.labels = nn.Linear(targets.size, width, bias=False)
        self.unknown = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, hidden, fused_attention) for _ in range(layers))
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, targets.head))

    def read(self, z: Tensor, y: Tensor, mask: Tensor | None, before: InContextState | None) -> InContextState:
        """Encodes the examples, together with those of `before`."""
        tokens = self.inputs(z) + self.labels(y)
        if before is not None:
            tokens = torch.cat([before.tokens, tokens])
            mask = torch.cat([before.mask, torch.ones_like(z[:, 0], dtype=torch.bool) if mask is None else mask])
        x, pairs = tokens, []
        for block in self._blocks():
            pairs.append(block.keys_values(x))
            x = block(x, *pairs[-1], mask)
        keys, values = (torch.stack(parts) for parts in zip(*pairs, strict=True))
        seen = torch.ones_like(tokens[:, 0], dtype=torch.bool) if mask is None else mask
        return InContextState(tokens, keys, values, seen)

    def answer(self, state: InContextState, z: Tensor) -> Tensor:
        """Lets every query token attend to the support set, layer by layer."""
        x = self.inputs(z) + self.unknown
        for block, keys, values in zip(self._blocks(), state.keys, state.values, strict=True):
            x = block(x, keys, values, state.mask)
        out: Tensor = self.output(x)
        return out

    def _blocks(self) -> list[TransformerBlock]:
        return cast("list[TransformerBlock]", list(self.blocks))
