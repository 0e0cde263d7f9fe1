"""Among a user's own rated items, ties get the mean over their orders."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import ndcg_among_rated, precision_among_rated

ROWS = st.tuples(st.integers(0, 2), st.integers(1, 5))
LISTS, SHORT = (st.lists(ROWS, min_size=1, max_size=size) for size in (6, 4))


def orders(scores):
    """All orders by falling score."""
    return [o for o in permutations(range(len(scores))) if (np.diff(scores[list(o)]) <= 0).all()]


@given(LISTS, st.integers(1, 6))
def test_ndcg_is_the_mean_over_the_orders_of_ties(rows, k):
    scores, ratings = np.array(rows, float).T
    discounts = 1 / np.log2(np.arange(2, len(rows) + 2)) * (np.arange(len(rows)) < k)
    best = np.sort(2**ratings - 1)[::-1] @ discounts
    expected = np.mean([(2 ** ratings[list(order)] - 1) @ discounts / best for order in orders(scores)])
    assert ndcg_among_rated(scores, ratings, k) == pytest.approx(expected)


@given(SHORT, st.integers(1, 4))
def test_precision_is_the_mean_over_the_orders_of_ties(rows, k):
    scores, ratings = np.array(rows, float).T
    k = min(k, len(rows))
    expected = np.mean([len({*a[:k]} & {*b[:k]}) / k for a in orders(scores) for b in orders(ratings)])
    assert precision_among_rated(scores, ratings, k) == pytest.approx(expected)


def test_worthless_items_only_are_in_perfect_order():
    assert ndcg_among_rated(np.array([1.0, 2.0]), np.zeros(2), 2) == 1.0


def test_what_does_not_fit_is_named():
    with pytest.raises(DataError, match="one score for each"):
        ndcg_among_rated(np.zeros(2), np.zeros(3), 1)
    with pytest.raises(ConfigurationError, match="k must be at least 1"):
        precision_among_rated(np.zeros(2), np.zeros(2), 0)
