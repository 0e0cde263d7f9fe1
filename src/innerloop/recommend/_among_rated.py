"""Ranking of a user's own rated query items alone: what published cold-start systems report, and what it hides."""

from __future__ import annotations

import numpy as np

from innerloop.demands import at_least
from innerloop.errors import DataError
from innerloop.recommend._events import Real


def ndcg_among_rated(scores: Real, ratings: Real, k: int) -> float:
    """NDCG at `k` of one user's query items in the order of the scores, with gains `2^rating - 1`.

        Σ_{r <= k} (2^{y_r} - 1) / log2(r + 1)  /  the same in the order of the ratings

    Never judge a system by it alone: of ten items in random order it is about .67 at 5 and .84 at 10, because all of
    them were chosen by the user. Say how much of the way from `random_ndcg_among_rated` to 1 is made.

    Args:
        scores: `(Q,)` predictions; equal ones share the gains of their ranks.
        ratings: `(Q,)` what the user gave.
        k: how many count.

    >>> ndcg_among_rated(np.array([2.0, 1.0]), np.array([5.0, 1.0]), k=1)
    1.0
    """
    gains, order = _gains(scores, ratings, k)
    # items with the same score take the mean gain of their group, whichever order they are in
    _, group = np.unique(scores, return_inverse=True)
    shared = (np.bincount(group, gains) / np.bincount(group))[group]
    discounts = 1 / np.log2(np.arange(2, len(gains) + 2))
    discounts[k:] = 0
    best = float(np.sort(gains)[::-1] @ discounts)
    return float(shared[order] @ discounts) / best if best else 1.0


def random_ndcg_among_rated(ratings: Real, k: int) -> float:
    """What `ndcg_among_rated` is on average over all orders of the items.

    >>> random_ndcg_among_rated(np.array([4.0, 4.0, 4.0]), k=2)
    1.0
    """
    return ndcg_among_rated(np.zeros(len(ratings)), ratings, k)


def precision_among_rated(scores: Real, ratings: Real, k: int) -> float:
    """Share of the `k` best rated query items among the `k` with the highest scores.

    With ten query items and k = 5 any order at all has one half on average. Items with equal scores or equal ratings
    are dealt evenly.

    Args:
        scores: `(Q,)` predictions.
        ratings: `(Q,)` what the user gave.
        k: how many are relevant, and how many are taken.

    >>> precision_among_rated(np.zeros(10), np.arange(10.0), k=5)
    0.5
    """
    _gains(scores, ratings, k)
    return float(_membership(scores, k) @ _membership(ratings, k)) / min(k, len(scores))


def _membership(values: Real, k: int) -> Real:
    """How surely each is among the `k` largest when equal ones are dealt evenly."""
    ordered = np.sort(values)
    above = len(values) - ordered.searchsorted(values, "right")
    tied = ordered.searchsorted(values, "right") - ordered.searchsorted(values, "left")
    share: Real = np.clip((k - above) / tied, 0, 1)
    return share


def _gains(scores: Real, ratings: Real, k: int) -> tuple[Real, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    at_least("k", k, 1)
    if scores.shape != ratings.shape or not len(scores):
        raise DataError(f"Expected one score for each of at least one rating; got {scores.shape} and {ratings.shape}.")
    return np.exp2(ratings) - 1, np.argsort(-scores, kind="stable")
