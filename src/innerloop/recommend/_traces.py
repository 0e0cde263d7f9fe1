"""What a user put into the start of training, to be taken out while they are a task."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Traces(NamedTuple):
    """The part of each user in the items' vectors and biases that training starts from.

    The start is made of all training ratings. A training task that asked for a user's ratings with it would ask for
    what is in it already, which no new user's are. With `q_i = Σ_u A_ui U_u` and `b_i = Σ_u (y_ui - b_u) / (n_i + λ)`
    the start without user u is, all others held where they are,

        q_i - A_ui U_u,   (b_i (n_i + λ) - (y_ui - b_u)) / (n_i - 1 + λ)

    and in a ranking, where `b_i = log(n_i + 1/2)`, `log(n_i - 1/2)`.

    Attributes:
        pairs: `(P,)` `user * items + item` of each pair that has an event, ascending.
        shares: `(P,)` A_ui.
        biases: `(P,)` what b_i loses.
        users: `(users, F)` U.
        items: how many items there are.

    >>> traces = Traces(torch.tensor([1, 2]), torch.tensor([2.0, 3.0]), torch.zeros(2), torch.ones(1, 1), 3)
    >>> traces.of(torch.tensor([0]), torch.tensor([[[0, 2]]])).tolist()
    [[[[0.0, 0.0], [3.0, 0.0]]]]
    """

    pairs: Tensor
    shares: Tensor
    biases: Tensor
    users: Tensor
    items: int

    def of(self, users: Tensor, item: Tensor) -> Tensor:
        """`(T, N, C, F + 1)` what vectors `[q_i, b_i]` of items `(T, N, C)` have of users `(T,)`."""
        asked = users[:, None, None] * self.items + item
        at = torch.searchsorted(self.pairs, asked).clamp(max=len(self.pairs) - 1)
        there = self.pairs[at] == asked
        share = torch.where(there, self.shares[at], 0)[..., None]
        bias = torch.where(there, self.biases[at], 0)[..., None]
        return torch.cat([share * self.users[users][:, None, None], bias], dim=-1)
