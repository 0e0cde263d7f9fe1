"""Items that a user never met, drawn by counters."""

from __future__ import annotations

import torch
from torch import Tensor

from innerloop.counter import bits
from innerloop.errors import DataError

REDRAWS = 4
"""Draws before the next item is taken that the user never met: with a tenth of the catalogue met, one in 10,000."""


class Negatives:
    """Draws items uniformly among those that a user has no event with.

    Args:
        users: `(N,)` users of events.
        items: `(N,)` their items.
        catalogue: how many items there are.

    Raises:
        DataError: if a user has met every item.

    >>> Negatives(torch.tensor([0, 0]), torch.tensor([0, 1]), 3).draw(torch.tensor([5]), torch.tensor([0]), 4).tolist()
    [[2, 2, 2, 2]]
    """

    def __init__(self, users: Tensor, items: Tensor, catalogue: int):
        self.catalogue = catalogue
        self._met = torch.unique(users * catalogue + items)
        counts = torch.bincount(torch.div(self._met, catalogue, rounding_mode="floor"))
        if len(counts) and int(counts.max()) >= catalogue:
            raise DataError(
                f"User {int(counts.argmax())} has an event with each of the {catalogue} items, so there is nothing to "
                "rank for them. Leave such users out, or learn ratings instead of rankings."
            )

    def draw(self, keys: Tensor, users: Tensor, count: int) -> Tensor:
        """`(..., count)` items, a function of the keys alone.

        Args:
            keys: `(...)` one key for each event.
            users: `(...)` whose event it is.
            count: how many for each.
        """
        place = torch.arange(count)
        keys, users = keys[..., None], users[..., None]
        found = bits(keys, 0, place) % self.catalogue
        for again in range(1, REDRAWS):
            found = torch.where(self.met(users, found), bits(keys, again, place) % self.catalogue, found)
        while bool((own := self.met(users, found)).any()):
            found = torch.where(own, (found + 1) % self.catalogue, found)
        return found

    def met(self, users: Tensor, items: Tensor) -> Tensor:
        """Which of the items the users have an event with."""
        if not len(self._met):
            return torch.zeros(torch.broadcast_shapes(users.shape, items.shape), dtype=torch.bool)
        pairs = users * self.catalogue + items
        at = torch.searchsorted(self._met, pairs).clamp(max=len(self._met) - 1)
        found: Tensor = self._met[at] == pairs
        return found
