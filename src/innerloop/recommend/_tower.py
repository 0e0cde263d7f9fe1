"""What is known of items before anything is known of a user: factors, and a rating to start from.

Shape legend: N examples of a user, C candidates of an example (1 for ratings), F factors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from innerloop.recommend._features import Features
from innerloop.recommend._fields import Fields, tables_of


class Tower(nn.Module):
    """Items as vectors `[q_i, b_i]`: an embedding of the item plus that of its features, factors and bias alike.

        [q_i, b_i] = E[i] + fields(features of i),   base = b_i + p_0 + q_i · p

    with `[p, p_0]` the embedding of the user's features, where there are any. Row 0 of `E` stands for items without
    training events, which are otherwise what their features say; training tasks hide the identity of items now and then
    for that to be learned.

    Args:
        items: how many items there are.
        factors: F.
        item_features: one row for each item.
        user_features: one row for each user; only their sizes are kept.

    Attributes:
        known: `(items,)` whether an item had training events.
        counts: `(items,)` how many.
    """

    known: Tensor
    counts: Tensor
    codes: Tensor
    numbers: Tensor

    def __init__(
        self, items: int, factors: int, item_features: Features | None = None, user_features: Features | None = None
    ):
        super().__init__()
        self.items, self.factors = items, factors
        sizes, codes, numbers = tables_of(item_features, items)
        user_sizes, _, user_numbers = tables_of(user_features, user_features.rows if user_features else 0)
        self._build(sizes, codes, numbers, user_sizes, user_numbers.shape[1])

    @classmethod
    def of(cls, shape: dict[str, Any]) -> Tower:
        """A tower of a `shape`, its tables still empty: what saved weights are loaded into."""
        tower = cls.__new__(cls)
        nn.Module.__init__(tower)
        items, (sizes, numbers), (user_sizes, user_numbers) = shape["items"], shape["item"], shape["user"]
        tower.items, tower.factors = items, shape["factors"]
        codes = torch.zeros(items, sum(wide for wide, _ in sizes), dtype=torch.int64)
        tower._build([(w, s) for w, s in sizes], codes, torch.zeros(items, numbers),
                     [(w, s) for w, s in user_sizes], user_numbers)  # fmt: skip
        return tower

    @property
    def shape(self) -> dict[str, Any]:
        """Plain values from which `of` makes a tower of the same sizes."""
        return {
            "items": self.items, "factors": self.factors,
            "item": [self.fields.sizes, len(self.fields.slopes)],
            "user": [self.user_fields.sizes, len(self.user_fields.slopes)],
        }  # fmt: skip

    def start_from(self, biases: Tensor, counts: Tensor, factors: Tensor) -> None:
        """Begins at a closed form.

        Args:
            biases: `(items,)` what an item's ratings differ from the mean, in units of the targets.
            counts: `(items,)` training events of the items.
            factors: `(items, F)` how items resemble each other.
        """
        with torch.no_grad():
            self.counts.copy_(counts)
            self.known.copy_(counts > 0)
            self.ids.weight[1:] = factors.to(self.ids.weight.dtype)
            self.biases.weight[1:, 0] = torch.where(counts > 0, biases, 0).to(self.biases.weight.dtype)

    @property
    def has_users(self) -> bool:
        """Whether there are features of users."""
        return bool(self.user_fields.sizes) or len(self.user_fields.slopes) > 0

    def vectors(self, item: Tensor, identity: Tensor) -> Tensor:
        """`[q_i, b_i]`, `(..., F + 1)`.

        Args:
            item: numbers of items.
            identity: 1 + number of the item, or 0 where it counts as unknown.
        """
        own = torch.cat([self.ids(identity), self.biases(identity)], dim=-1)
        found: Tensor = own + self.fields(self.codes[item], self.numbers[item])
        return found

    def table(self) -> Tensor:
        """`[q_i, b_i]` of all items, `(items, F + 1)`."""
        item = torch.arange(self.items, device=self.codes.device)
        return self.vectors(item, torch.where(self.known, item + 1, 0))

    def personal(self, vectors: Tensor, codes: Tensor, numbers: Tensor) -> Tensor:
        """Vectors `(..., F + 1)` with the bias as users of these features see it, `codes` and `numbers` `(..., n)`."""
        taste = self.user_fields(codes, numbers)
        base = vectors[..., -1:] + taste[..., -1:] + (vectors[..., :-1] * taste[..., :-1]).sum(-1, keepdim=True)
        return torch.cat([vectors[..., :-1], base], dim=-1)

    def forward(self, x: dict[str, Any]) -> Tensor:
        """`[q, base]`, `(N, C, F + 1)`, of examples.

        Args:
            x: `item` and `id` `(N, C)`; where there are any, the user's `codes` and `numbers` `(N, n)`, and their
                `trace` `(N, C, F + 1)`, which is taken out.
        """
        vectors = self.vectors(x["item"], x["id"])
        if "trace" in x:
            vectors = vectors - x["trace"]
        if not self.has_users:
            return vectors
        return self.personal(vectors, x["codes"][:, None], x["numbers"][:, None])

    def _build(
        self, sizes: list[tuple[int, int]], codes: Tensor, numbers: Tensor, user_sizes: list[tuple[int, int]],
        user_numbers: int,
    ) -> None:  # fmt: skip
        self.ids, self.biases = nn.Embedding(self.items + 1, self.factors), nn.Embedding(self.items + 1, 1)
        # so small that the network begins as a bias model
        nn.init.normal_(self.ids.weight, std=0.1 * max(1, self.factors) ** -0.5)
        nn.init.zeros_(self.biases.weight)
        with torch.no_grad():
            self.ids.weight[0] = 0.0
        if not self.factors:
            self.ids.weight.requires_grad_(False)
        self.fields = Fields(sizes, numbers.shape[1], self.factors + 1)
        self.user_fields = Fields(user_sizes, user_numbers, self.factors + 1)
        if not self.has_users:
            self.user_fields.requires_grad_(False)
        self.register_buffer("codes", codes)
        self.register_buffer("numbers", numbers)
        self.register_buffer("known", torch.zeros(self.items, dtype=torch.bool))
        self.register_buffer("counts", torch.zeros(self.items, dtype=torch.int64))
