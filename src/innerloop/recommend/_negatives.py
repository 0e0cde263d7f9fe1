"""Items beside a user's own, drawn by counters."""

from __future__ import annotations

import torch
from torch import Tensor

from innerloop.counter import bits
from innerloop.errors import DataError
from innerloop.recommend._events import Events

REDRAWS = 4
"""Draws before the next item is taken that is not to be avoided: with a tenth of the catalogue to avoid, one in 10,000.
"""

NOTHING = -1
"""No item: what rows of items to avoid are padded with."""


def draw(keys: Tensor, avoid: Tensor, catalogue: int, count: int) -> Tensor:
    """`(T, N, count)` items, uniformly among those that are not to be avoided; a function of keys and of these alone.

    Args:
        keys: `(T, N)` one key for each event of each task.
        avoid: `(T, n)` numbers of items that no event of the task is put before; `NOTHING` is padding.
        catalogue: how many items there are.
        count: how many for each event.

    Raises:
        DataError: if a task avoids every item.

    >>> draw(torch.tensor([[5]]), torch.tensor([[0, NOTHING, 1]]), catalogue=3, count=4).tolist()
    [[[2, 2, 2, 2]]]
    """
    ordered = avoid.sort(dim=1).values
    different = torch.cat([ordered[:, :1] > NOTHING, ordered[:, 1:] > ordered[:, :-1]], dim=1).sum(1)
    if bool((different >= catalogue).any()):
        raise DataError(f"Events with each of the {catalogue} items leave nothing to rank. Give fewer of them.")

    def own(items: Tensor) -> Tensor:
        if not ordered.shape[1]:
            return torch.zeros_like(items, dtype=torch.bool)
        flat = items.flatten(1)
        at = torch.searchsorted(ordered, flat).clamp(max=ordered.shape[1] - 1)
        return (ordered.gather(1, at) == flat).reshape(items.shape)

    place = torch.arange(count)
    found = bits(keys[..., None], 0, place) % catalogue
    for again in range(1, REDRAWS):
        found = torch.where(own(found), bits(keys[..., None], again, place) % catalogue, found)
    while bool((wrong := own(found)).any()):
        found = torch.where(wrong, (found + 1) % catalogue, found)
    return found


class Own:
    """The items that users are known to have an event with.

    Args:
        events: of the users.

    Raises:
        DataError: if a user has an event with every item.

    >>> Own(Events.of([0, 0, 2], [3, 1, 0], users=3, items=4)).of(torch.tensor([2, 0])).tolist()
    [[0, -1], [3, 1]]
    """

    def __init__(self, events: Events):
        self._item = torch.from_numpy(events.item)
        self._first, self._counts = torch.from_numpy(events.starts[:-1].copy()), torch.from_numpy(events.counts)
        pairs = torch.unique(torch.from_numpy(events.user) * events.items + self._item)
        met = torch.bincount(torch.div(pairs, max(1, events.items), rounding_mode="floor"))
        if len(met) and int(met.max()) >= events.items:
            raise DataError(
                f"User {int(met.argmax())} has an event with each of the {events.items} items, so there is nothing to "
                "rank for them. Leave such users out, or learn ratings instead of rankings."
            )

    def of(self, users: Tensor) -> Tensor:
        """`(T, n)` the items of users, padded with `NOTHING`."""
        counts = self._counts[users]
        place = torch.arange(int(counts.max()) if len(users) else 0)
        there = place < counts[:, None]
        rows = torch.where(there, self._first[users][:, None] + place, 0)
        return torch.where(there, self._item[rows] if len(self._item) else rows, NOTHING)
