"""The closed-form model that training starts from: biases of items, or how popular they are, and factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from innerloop.recommend._events import Events, Real
from innerloop.recommend._rows import Scale
from innerloop.recommend._traces import Traces

SHRINKAGE = 5.0
"""Events that the mean of an item or user is shrunk by: between the 10 and 15 of Koren 2010, "Factor in the neighbors",
section 2.1, on data of 200 ratings a user, and none; training goes on from here."""

LIKENESS = 20.0
"""Events that the cosine of two items is shrunk by in rankings. A choice, made on validation users of MovieLens small.
"""

SWEEPS = 10
"""Of items given users and users given items; it converges to four digits in about five."""


def scale_of(events: Events) -> Scale:
    """Mean and deviation of ratings.

    >>> scale_of(Events.of([0, 0], [0, 1], [1.0, 3.0], users=1, items=2))
    Scale(mean=2.0, deviation=1.0)
    """
    if not len(events):
        return Scale()
    value = events.value
    # constant ratings have no deviation to divide by
    return Scale(float(value.mean()), float(value.std()) or 1.0)


class Start(NamedTuple):
    """What is known of items before training.

    Attributes:
        biases: `(items,)` how ratings of an item differ, in deviations; in a ranking see `popularity`.
        factors: `(items, F)` how items resemble each other.
        traces: what each user put into both.
    """

    biases: Tensor
    factors: Tensor
    traces: Traces


def start_of(events: Events, scale: Scale | None, factors: int, stretch: float = 1.0) -> Start:
    """The closed form of the training users. Random numbers are those of `torch.manual_seed`.

    Args:
        events: of the training users.
        scale: of ratings; None: rankings.
        factors: how many.
        stretch: what factors are multiplied by.
    """
    count = np.bincount(events.item, minlength=events.items)
    pairs, place = np.unique(events.user * events.items + events.item, return_inverse=True)
    item, often = pairs % max(1, events.items), np.bincount(place, minlength=len(pairs))
    if scale is None:
        biases, left, shrinkage = popularity(events), np.ones(len(events)), LIKENESS
        moved = np.log((count[item] + 0.5) / (count[item] - often + 0.5))
    else:
        of_items, of_users = _both_biases(events, scale)
        given = (events.value - scale.mean) / scale.deviation - of_users[events.user]
        biases, left, shrinkage = torch.from_numpy(of_items), given - of_items[events.item], SHRINKAGE
        without = of_items[item] * (count[item] + SHRINKAGE) - np.bincount(place, given, len(pairs))
        moved = of_items[item] - without / (count[item] - often + SHRINKAGE)
    entries = left / np.sqrt(count[events.item] + shrinkage)
    vectors, users = _factors(events, entries, factors)
    shares = stretch * np.bincount(place, entries, len(pairs))
    traces = Traces(
        torch.from_numpy(pairs), torch.from_numpy(shares).float(), torch.from_numpy(moved).float(), users, events.items
    )
    return Start(biases, stretch * vectors, traces)


def _both_biases(events: Events, scale: Scale) -> tuple[Real, Real]:
    """`(items,)` and `(users,)` what ratings of an item, and of a user, differ by, in deviations.

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
    return of_items, of_users


def popularity(events: Events) -> Tensor:
    """`(items,)` the logarithm of how many events items have, beside its mean: the best ranking without a user.

    With negatives drawn uniformly it is what a softmax would learn.
    """
    count = np.log(np.bincount(events.item, minlength=events.items) + 0.5)
    return torch.from_numpy(count - count.mean())


def _factors(events: Events, entries: Real, factors: int) -> tuple[Tensor, Tensor]:
    """`(items, factors)` vectors whose products say how alike items are to the training users, and `U` of the users.

        A_ui = r_ui / sqrt(n_i + λ) = U S V',   q = V S = A' U,   q_i · q_j ≈ Σ_u A_ui A_uj

    with r what the biases leave of a rating, or 1 for each event of a ranking (then it is the cosine of two items, as
    in an item-kNN). The matrix stays sparse.

    Args:
        events: of the training users.
        entries: `(N,)` A_ui.
        factors: how many.

    Source: Cremonesi, Koren and Turrin 2010, "Performance of recommender algorithms on top-N recommendation tasks",
    section 3.3 (PureSVD).
    """
    rank = min(factors, events.items, events.users)
    items, users = torch.zeros(events.items, factors), torch.zeros(events.users, factors)
    if not rank or not len(events):
        return items, users
    places = torch.from_numpy(np.stack([events.user, events.item]))
    values = torch.from_numpy(entries).float()
    matrix = torch.sparse_coo_tensor(places, values, (events.users, events.items), check_invariants=True).coalesce()
    # a few directions more than are wanted, without which the last of them are far off (Halko et al. 2011, section 1.3)
    more = min(rank + 8, events.items, events.users)
    own, strengths, directions = torch.svd_lowrank(matrix, more, niter=4)
    items[:, :rank], users[:, :rank] = (directions * strengths)[:, :rank], own[:, :rank]
    return items, users
