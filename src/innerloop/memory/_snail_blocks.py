"""The two blocks of SNAIL: each looks back along a sequence and appends what it found to every position.

`sequence` works on the support examples `(N, C)`; `last` on queries `(Q, C)` each of which stands alone at the end of
it, behind `count` examples.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DenseBlock(nn.Module):
    """A causal convolution of two taps with a gate: `tanh(W_f [x_{t-d}; x_t]) * sigmoid(W_g [x_{t-d}; x_t])`.

    Args:
        channels: C, of the input.
        filters: of what is appended.
        dilation: d, how far back the first tap is.

    Source: Mishra et al. 2018, section 3 and figure 2a.
    """

    def __init__(self, channels: int, filters: int, dilation: int):
        super().__init__()
        self.dilation, self.filters = dilation, filters
        self.taps = nn.Linear(2 * channels, 2 * filters)

    def sequence(self, x: Tensor) -> Tensor:
        """Appends `(N, filters)` to `x` `(N, C)`."""
        back = min(self.dilation, len(x))
        return self._append(F.pad(x[: len(x) - back], (0, 0, back, 0)), x)

    def last(self, query: Tensor, x: Tensor, count: Tensor) -> Tensor:
        """Appends `(Q, filters)` to queries `(Q, C)` at position `count` behind `x` `(N, C)`."""
        # zeros where that is before the beginning, as for the sequence
        there = torch.arange(len(x), device=x.device) == count - self.dilation
        return self._append((there.to(x.dtype) @ x).expand_as(query), query)

    def _append(self, past: Tensor, now: Tensor) -> Tensor:
        filtered, gate = self.taps(torch.cat([past, now], dim=-1)).chunk(2, dim=-1)
        return torch.cat([now, torch.tanh(filtered) * torch.sigmoid(gate)], dim=-1)

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"dilation={self.dilation}"


class AttentionBlock(nn.Module):
    """Causal attention with one head: `softmax(q k' / √K) v` over the positions up to one's own.

    Args:
        channels: C, of the input.
        keys: K, size of a key.
        values: of what is appended.

    Source: Mishra et al. 2018, section 3 and figure 2c.
    """

    def __init__(self, channels: int, keys: int, values: int):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(channels, size) for size in (keys, keys, values))
        self.scale = keys**-0.5

    def sequence(self, x: Tensor) -> Tensor:
        """Appends `(N, values)` to `x` `(N, C)`."""
        logits = self.scale * self.query(x) @ self.key(x).T
        past = torch.ones(len(x), len(x), dtype=torch.bool, device=x.device).tril()
        weights = torch.softmax(logits.masked_fill(~past, -torch.inf), dim=-1)
        return torch.cat([x, weights @ self.value(x)], dim=-1)

    def last(self, query: Tensor, x: Tensor, count: Tensor) -> Tensor:
        """Appends `(Q, values)` to queries `(Q, C)`; each sees the first `count` rows of `x` `(N, C)` and itself."""
        asked = self.query(query)
        there = torch.arange(len(x), device=x.device) < count
        logits = (asked @ self.key(x).T).masked_fill(~there, -torch.inf)
        own = (asked * self.key(query)).sum(-1, keepdim=True)
        weights = torch.softmax(self.scale * torch.cat([logits, own], dim=-1), dim=-1)
        read = weights[:, :-1] @ self.value(x) + weights[:, -1:] * self.value(query)
        return torch.cat([query, read], dim=-1)


def dilations(length: int) -> list[int]:
    """1, 2, 4, ... until the taps together reach over `length` positions.

    >>> dilations(6), dilations(2)
    ([1, 2, 4], [1])
    """
    return [2**i for i in range(max(1, (length - 1).bit_length()))]
