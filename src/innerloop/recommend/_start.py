"""The closed-form model that training starts from: biases of items, or how popular they are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from innerloop.recommend._events import Events
from innerloop.recommend._rows import Scale

SHRINKAGE = 5.0
"""Events that the mean of an item or user is shrunk by: between the 10 and 15 of Koren 2010, "Factor in the neighbors",
section 2.1, on data of 200 ratings a user, and none; training goes on from here."""

SWEEPS = 10
"""Of items given users and users given items; it converges to four digits in about five."""


def scale_of(events: Events) -> Scale:
    """Mean, deviation and range of ratings.

    >>> scale_of(Events.of([0, 0], [0, 1], [1.0, 3.0], users=1, items=2))
    Scale(mean=2.0, deviation=1.0, low=1.0, high=3.0)
    """
    if not len(events):
        return Scale()
    value = events.value
    # constant ratings have no deviation to divide by
    return Scale(float(value.mean()), float(value.std()) or 1.0, float(value.min()), float(value.max()))


def item_biases(events: Events, scale: Scale) -> Tensor:
    """`(items,)` what ratings of an item differ by, beside what its users do, in deviations.

        b_i = Σ (y - b_u) / (n_i + λ),   b_u = Σ (y - b_i) / (n_u + λ)

    Source: Koren 2008, "Factorization meets the neighborhood", section 2.1.
    """
    y = (events.value - scale.mean) / scale.deviation
    of_items, of_users = np.zeros(events.items), np.zeros(events.users)
    item_count = np.bincount(events.item, minlength=events.items) + SHRINKAGE
    user_count = events.counts + SHRINKAGE
    for _ in range(SWEEPS):
        left = y - of_users[events.user]
        of_items = np.bincount(events.item, left, events.items) / item_count
        left = y - of_items[events.item]
        of_users = np.bincount(events.user, left, events.users) / user_count
    return torch.from_numpy(of_items)


def popularity(events: Events) -> Tensor:
    """`(items,)` the logarithm of how many events items have, beside its mean: the best ranking without a user.

    With negatives drawn uniformly it is what a softmax would learn.
    """
    count = np.log(np.bincount(events.item, minlength=events.items) + 0.5)
    return torch.from_numpy(count - count.mean())
