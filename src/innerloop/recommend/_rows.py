"""From events to the examples of users: gathered at once, padded to a bucket, masked.

Shape legend: T users, N events of a user, C candidates of an event (1 for ratings, 1 + negatives for rankings).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from innerloop.counter import bits, fold, uniform
from innerloop.recommend._events import Events
from innerloop.recommend._features import Features
from innerloop.recommend._fields import tables_of
from innerloop.recommend._negatives import NOTHING, Own, draw
from innerloop.recommend._traces import Traces
from innerloop.task import Examples

BUCKETS = (1, 2, 3, 5, 8, 12, 20, 32, 50, 80, 128)
"""Lengths that histories are padded to; beyond the last one its multiples. Each is about 1.6 times the one before, so
that most of a batch of equal bucket is no padding, and a captured step has few shapes."""


def bucket(length: int) -> int:
    """The length that a history is padded to.

    >>> [bucket(length) for length in (0, 4, 20, 129)]
    [1, 5, 20, 256]
    """
    last = BUCKETS[-1]
    return next((size for size in BUCKETS if size >= length), -(-length // last) * last)


class Scale(NamedTuple):
    """How ratings become targets, `(rating - mean) / deviation`.

    Attributes:
        mean: of the training ratings.
        deviation: of the training ratings.
    """

    mean: float = 0.0
    deviation: float = 1.0


class Rows:
    """Makes examples of rows of events.

    Args:
        events: all events that are read.
        known: `(items,)` which items may be known by their number.
        scale: of the ratings; None: events are positives to be ranked before negatives.
        negatives: for each positive.
        own: all that is known of the users, for the negatives of query events; None: the events themselves.
        user_features: one row for each user.
        traces: what these users put into the start, to be taken out; None: nothing.
        seed: of negatives and of hidden identities.
    """

    def __init__(
        self, events: Events, known: Tensor, scale: Scale | None, *, negatives: int = 0, own: Events | None = None,
        user_features: Features | None = None, traces: Traces | None = None, seed: int = 0,
    ):  # fmt: skip
        self.item, self.known, self.scale = torch.from_numpy(events.item), known, scale
        self.first, self.counts = torch.from_numpy(events.starts[:-1].copy()), torch.from_numpy(events.counts)
        mean, deviation = (0.0, 1.0) if scale is None else (scale.mean, scale.deviation)
        self.value = ((torch.from_numpy(events.value) - mean) / deviation).float()
        self.count, self.seed, self.items, self._traces = negatives, seed, events.items, traces
        self._own = Own(events if own is None else own) if scale is None else None
        sizes, codes, numbers = tables_of(user_features, events.users)
        self._users = (codes, numbers) if sizes or numbers.shape[1] else None

    def examples(
        self, users: Tensor, rows: Tensor, mask: Tensor, *, query: bool = False, hide: float = 0.0,
        keys: Tensor | None = None,
    ) -> Examples:  # fmt: skip
        """The examples of users, stacked.

        The negatives of query events are none of the user's own items, as far as these are known. Those of support
        events are none of the support set's, and nothing else is known of: in use nobody knows what will be queried,
        and negatives that avoid it would tell.

        Args:
            users: `(T,)`.
            rows: `(T, N)` rows of the events.
            mask: `(T, N)` False where a row is padding; it may hold any number.
            query: whether these are query events.
            hide: share of items whose identity is hidden, so that their features have to do.
            keys: `(T,)` of the tasks; None: what is drawn depends on user and item alone.
        """
        rows = torch.where(mask, rows, 0)
        none = not len(self.item)  # nobody has an event: every row is padding
        positive = torch.zeros_like(rows) if none else self.item[rows]
        positive = torch.where(mask, positive, 0)
        own = fold(self.seed, users if keys is None else keys)
        item = positive[..., None]
        y = torch.zeros(rows.shape, dtype=torch.int64)
        if self._own is not None:
            avoid = self._own.of(users) if query else torch.where(mask, positive, NOTHING)
            negatives = draw(fold(own[:, None], positive), avoid, self.items, self.count)
            item = torch.cat([item, negatives], dim=-1)
        known = self.known[item]
        if hide:
            # an item is hidden or not in a whole task, as a new item is
            known = known & (uniform(fold(own, 1)[:, None, None], item) >= hide)
        x: dict[str, Any] = {"item": item, "id": torch.where(known, item + 1, 0)}
        if self._traces is not None:
            x["trace"] = torch.where(known[..., None], self._traces.of(users, item), 0)
        if self._users is not None:
            for name, table in zip(("codes", "numbers"), self._users, strict=True):
                x[name] = table[users][:, None].expand(-1, rows.shape[1], -1)
        if self.scale is None:
            return Examples(x, y, mask, 1 + self.count)
        value = torch.zeros(rows.shape) if none else self.value[rows]
        return Examples(x, torch.where(mask, value, 0)[..., None], mask)


def spread(count: Tensor, width: int, share: Tensor) -> tuple[Tensor, Tensor]:
    """`width` places spread evenly over `0..count-1`, all different, and which of them are there.

    Systematic sampling: a place every `count / width`, from a random start on.

    Args:
        count: `(T,)`.
        width: how many places.
        share: `(T,)` the random start, from 0 to 1.

    >>> spread(torch.tensor([6, 2]), 3, torch.tensor([0.5, 0.5]))
    (tensor([[1, 3, 5],
            [0, 1, 2]]), tensor([[ True,  True,  True],
            [ True,  True, False]]))
    """
    place = torch.arange(width)
    stretched = ((place + share[:, None]) * (count[:, None] / width)).long()
    # rounding may end one too far, at the next user's events
    at = torch.where(count[:, None] > width, torch.minimum(stretched, count[:, None] - 1), place)
    return at, place < count[:, None]


def drawn(keys: Tensor, stream: int, count: Tensor | int) -> Tensor:
    """A whole number from 0 to `count - 1` for each key."""
    return bits(keys, stream) % torch.as_tensor(count).clamp(min=1)
