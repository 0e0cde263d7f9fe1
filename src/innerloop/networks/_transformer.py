"""A small transformer encoder, and the block that it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError
from innerloop.networks._backbone import Backbone, linear_head

Attention = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def plain_attention(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """`softmax(q k' / √d) v` from elementary operations, which have second derivatives everywhere.

    Args:
        query: `(..., Q, d)`.
        keys: `(..., N, d)`.
        values: `(..., N, d)`.
        mask: `(N,)`, False for keys that count for nothing.
    """
    logits = query @ keys.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    return torch.softmax(logits, dim=-1) @ values


def fused_attention(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The same by PyTorch's kernel, where first derivatives are enough."""
    rows = None if mask is None else mask.expand(query.shape[-2], -1)
    # the kernels take batches only
    found: Tensor = F.scaled_dot_product_attention(query[None], keys[None], values[None], rows)[0]
    return found


def heads_apart(x: Tensor, heads: int) -> Tensor:
    """`(..., N, D)` as `(..., heads, N, D / heads)`."""
    return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)


def heads_joined(x: Tensor) -> Tensor:
    """`(..., heads, N, d)` as `(..., N, heads d)`."""
    return x.transpose(-2, -3).flatten(-2)


class TransformerBlock(nn.Module):
    """Attention and a small perceptron, each added to its input and behind a layer norm.

        x <- x + attention(norm(x), keys, values),   x <- x + W_2 gelu(W_1 norm(x))

    Args:
        width: D.
        heads: of the attention; they divide the width.
        hidden: of the perceptron.
        attention: how it is computed.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3; norms in front: Xiong et al. 2020, "On layer
    normalization in the transformer architecture", figure 1b.
    """

    def __init__(self, width: int, heads: int, hidden: int, attention: Attention = plain_attention):
        super().__init__()
        if width < 1 or heads < 1 or hidden < 1 or width % heads:
            raise ConfigurationError(
                f"Heads divide the width of a transformer; got {heads} heads, width {width} and hidden {hidden}. "
                "Make the width a multiple of the heads, and all three 1 or more."
            )
        self.heads, self.attention = heads, attention
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.joined = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What others attend to, each `(..., N, D)`."""
        seen = self.before_attention(x)
        return self.key(seen), self.value(seen)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `(..., Q, D)` after attending to `keys` and `values` `(..., N, D)`."""
        query = self.query(self.before_attention(x))
        query, keys, values = (heads_apart(part, self.heads) for part in (query, keys, values))
        x = x + self.joined(heads_joined(self.attention(query, keys, values, mask)))
        out: Tensor = x + self.down(F.gelu(self.up(self.before_perceptron(x))))
        return out


class _Encoder(nn.Module):
    def __init__(self, inputs: int, width: int, layers: int, heads: int, hidden: int):
        super().__init__()
        self.inputs, self.width = inputs, width
        self.embedding = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 3 or x.shape[-1] != self.inputs:
            raise DataError(
                f"A transformer of {self.inputs} inputs takes sequences of shape (N, steps, {self.inputs}); got "
                f"{tuple(x.shape)}."
            )
        x = self.embedding(x) + positions(x.shape[1], self.width, x)
        for block in cast("list[TransformerBlock]", list(self.blocks)):
            x = block(x, *block.keys_values(x))
        out: Tensor = self.norm(x).mean(1)
        return out


def positions(steps: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines that tell places in a sequence apart, `(steps, width)`; no longest sequence.

    Source: Vaswani et al. 2017, section 3.5.

    >>> positions(3, 4, torch.zeros(())).shape
    torch.Size([3, 4])
    """
    place = torch.arange(steps, device=like.device, dtype=like.dtype)
    rate = 10_000 ** (-torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width)
    angle = place[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=1)[:, :width]


def transformer(
    inputs: int,
    outputs: int | None,
    width: int = 64,
    *,
    layers: int = 2,
    heads: int = 4,
    hidden: int | None = None,
) -> Backbone:
    """A transformer encoder of sequences; its features are the mean over the positions of the last layer.

    Attention is put together from elementary operations, so that second derivatives and `vmap` work everywhere. There
    is no dropout: a small inner loop rarely needs it.

    Args:
        inputs: numbers at each step of a sequence; sequences are `(N, steps, inputs)`, all of one length.
        outputs: number of outputs; None: no head, the features are the output.
        width: of a position.
        layers: how many blocks.
        heads: of the attention; they divide the width.
        hidden: of the perceptrons; None: 4 times the width, as in the paper.

    Source: Vaswani et al. 2017, "Attention is all you need".

    >>> transformer(2, 5, width=8)(torch.zeros(3, 7, 2)).shape
    torch.Size([3, 5])
    """
    at_least("inputs", inputs, 1)
    at_least("layers", layers, 1)
    spec: dict[str, Any] = {
        "network": "transformer", "inputs": inputs, "outputs": outputs, "width": width, "layers": layers,
        "heads": heads, "hidden": hidden,
    }  # fmt: skip
    body = _Encoder(inputs, width, layers, heads, 4 * width if hidden is None else hidden)
    return Backbone(body, linear_head(width, outputs), width, spec)
