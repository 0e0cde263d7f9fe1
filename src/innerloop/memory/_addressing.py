"""How an external memory is addressed: by content for reading, by disuse for writing."""

from __future__ import annotations

import torch
from torch import Tensor


def cosines(keys: Tensor, memory: Tensor) -> Tensor:
    """Cosine similarity of keys `(..., D)` and slots `(S, D)`: `(..., S)`.

        K(k, M_i) = k · M_i / (|k| |M_i|),   |v|^2 = v · v + 1e-4

    The small number makes a slot that holds nearly nothing similar to nothing. A soft write leaves a trace of its key
    in every slot; by direction alone each of them would look like that key.

    >>> cosines(torch.tensor([30.0, 0.0]), torch.tensor([[20.0, 0.0], [0.0, 1.0], [1e-6, 0.0]])).round(decimals=3)
    tensor([1., 0., 0.])
    """
    return _unit(keys) @ _unit(memory).T


def least_used(usage: Tensor, count: int) -> Tensor:
    """The `count` least used of the slots `(S,)`, one in each row of `(count, S)`; of equals, the first.

    >>> least_used(torch.tensor([0.3, 0.0, 0.0]), 2)
    tensor([[0., 1., 0.],
            [0., 0., 1.]])
    """
    # stable: which of many empty slots is taken must not depend on how tasks are mapped
    order = torch.sort(usage, stable=True).indices[:count]
    return (order[:, None] == torch.arange(len(usage), device=usage.device)).to(usage.dtype)


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-4)
