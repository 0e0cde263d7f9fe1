"""Places in the catalogue: against brute force over all orders of tied items."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innerloop.recommend._metrics import Ranks, hit_rate, ndcg, ranks

SCORES = st.lists(st.integers(0, 3), min_size=2, max_size=6)


def brute(scores, relevant, k):
    """Hit rate and nDCG, averaged over every order that falls in score."""
    items = range(len(scores))
    found = []
    for order in permutations(items):
        if any(scores[a] < scores[b] for a, b in pairwise(order)):
            continue
        gains = [1 / np.log2(place + 2) for place, item in enumerate(order[:k]) if item in relevant]
        best = sum(1 / np.log2(place + 2) for place in range(min(k, len(relevant))))
        found.append((bool(gains), sum(gains) / best))
    return np.mean(found, axis=0)


@given(SCORES, st.data())
def test_ties_are_worth_what_they_are_over_all_their_orders(scores, data):
    relevant = data.draw(st.sets(st.integers(0, len(scores) - 1), min_size=1))
    k = data.draw(st.integers(1, len(scores)))
    found = ranks(np.array(scores, float), np.array(sorted(relevant)), np.array([], int))
    expected = brute(scores, relevant, k)
    assert hit_rate(found, k) == pytest.approx(expected[0])
    assert ndcg(found, k) == pytest.approx(expected[1])


def test_constant_scores_get_what_a_random_order_gets():
    found = ranks(np.zeros(100), np.array([3, 50]), np.array([1, 2]))
    assert hit_rate(found, 10) == pytest.approx(1 - (88 * 87) / (98 * 97))
    rng = np.random.default_rng(0)
    drawn = [ndcg(ranks(rng.random(100), np.array([3, 50]), np.array([1, 2])), 10) for _ in range(4_000)]
    assert ndcg(found, 10) == pytest.approx(np.mean(drawn), abs=0.01)


def test_seen_items_are_no_candidates():
    scores = np.array([9.0, 8.0, 1.0, 0.0])
    assert ranks(scores, np.array([2]), np.array([0, 1])).above.tolist() == [0]
    assert ranks(scores, np.array([2]), np.array([], int)).above.tolist() == [2]


def test_more_places_than_items_find_everything():
    assert hit_rate(Ranks(np.array([5]), np.array([1])), 10) == 1.0
    assert ndcg(Ranks(np.array([0]), np.array([1])), 10) == 1.0
