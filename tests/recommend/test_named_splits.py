"""Published protocols are there, without their leaks, and their remaining flaws can be shown."""

from itertools import permutations
from math import comb

import numpy as np
import pytest

from innerloop.errors import ConfigurationError
from innerloop.recommend import (
    Events,
    demand_no_leak,
    evaluate_recommender,
    melu,
    ndcg_among_rated,
    precision_among_rated,
    random_ndcg_among_rated,
    recbole,
)
from innerloop.recommend.rivals import ItemMean


@pytest.fixture(scope="module")
def ratings():
    """200 users with 1 to 119 of 150 items, the later users and items at later times."""
    rng = np.random.default_rng(0)
    rows = [(u, i) for u in range(200) for i in rng.permutation(150)[: rng.integers(1, 120)]]
    user, item = np.array(rows).T
    quality = rng.normal(0, 1, 150)
    value = np.clip(np.round(3 + quality[item] + rng.normal(0, 1, len(user))), 1, 5)
    time = np.where(item < 120, user, np.maximum(user, 150)) + rng.random(len(user))
    return Events.of(user, item, value, time, users=200, items=150)


@pytest.mark.parametrize("scenario", ["warm", "user-cold", "item-cold", "both"])
def test_melus_scenarios_have_new_users_and_items_where_they_say(ratings, scenario):
    split = melu(ratings, scenario)
    known = set(split.train.user.tolist()), set(split.train.item.tolist())
    new_user, new_item = scenario in ("user-cold", "both"), scenario in ("item-cold", "both")
    assert (set(split.test.query.user.tolist()) <= known[0]) is not new_user
    assert bool(set(split.test.query.item.tolist()) & known[1]) is not new_item
    assert (split.test.query.counts[split.test.users] == 10).all()
    everything = split.test.query.counts + split.test.support.counts
    assert everything[split.test.users].min() >= 13
    assert everything[split.test.users].max() <= 100


def test_what_known_users_did_beside_new_items_is_seen(ratings):
    split = melu(ratings, "item-cold")
    for user in split.test.users:
        assert set(split.test.seen.history(user).item) == set(split.train.history(user).item) | set(
            split.validation.query.history(user).item
        )
    assert len(split.test.seen)
    for scenario in ("warm", "user-cold", "both"):  # all that is known is support
        assert not len(melu(ratings, scenario).test.seen)


def test_known_users_are_not_tested_on_what_was_trained_on(ratings):
    split = melu(ratings, "warm")
    trained = set(zip(split.train.user.tolist(), split.train.item.tolist(), strict=True))
    asked = set(zip(split.test.query.user.tolist(), split.test.query.item.tolist(), strict=True))
    assert not trained & asked


def test_cold_users_are_not_cold_and_the_protocol_looks_into_the_future(ratings):
    split = melu(ratings, "user-cold")
    assert np.median(split.test.support.counts[split.test.users]) > 20
    demand_no_leak(split, ordered=False)
    with pytest.raises(ValueError, match="later than a query event"):
        demand_no_leak(split)


def test_recboles_protocol_deals_users_eight_to_one_to_one(ratings):
    split = recbole(ratings)
    eligible = ((ratings.counts >= 13) & (ratings.counts <= 100)).sum()
    assert len(split.test.users) == len(split.validation.users) == round(0.1 * eligible)
    assert len(np.unique(split.train.user)) == eligible - 2 * round(0.1 * eligible)
    again, other = recbole(ratings), recbole(ratings, seed=1)
    assert (split.test.query.item == again.test.query.item).all()
    assert set(split.test.users.tolist()) != set(other.test.users.tolist())


def test_any_order_has_half_the_precision_and_nearly_all_hits(ratings):
    """Five of ten are relevant: chance is .5 and 251/252, which published rows do not exceed."""
    split = recbole(ratings)
    rng = np.random.default_rng(0)
    values = [
        precision_among_rated(rng.random(10), split.test.query.history(user).value, 5)
        for user in split.test.users
        for _ in range(200)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)
    assert 1 - comb(5, 5) / comb(10, 5) == 251 / 252


def test_random_order_among_rated_items_looks_good(ratings):
    split = recbole(ratings)
    random = [random_ndcg_among_rated(split.test.query.history(user).value, 5) for user in split.test.users]
    assert np.mean(random) > 0.5
    found = evaluate_recommender(ItemMean().fit(split.train, split.validation), split.test)
    assert found.mean("nDCG@10") < 0.3  # against the catalogue there is a long way to go


def test_sorting_the_retrieved_items_by_truth_makes_anything_perfect(ratings):
    """What one repository reports as nDCG: with k the number of query items it is 1 whatever was predicted."""
    split = recbole(ratings)
    query = split.test.query.history(split.test.users[0])
    worst = -query.value
    retrieved = query.value[np.argsort(-worst, kind="stable")][:10]
    resorted = np.sort(retrieved)[::-1]
    assert ndcg_among_rated(np.arange(10.0, 0.0, -1.0), resorted, 10) == pytest.approx(1.0)
    assert ndcg_among_rated(worst, query.value, 10) < 0.8


def test_chance_of_small_lists_is_the_mean_over_all_orders():
    ratings = np.array([5.0, 3.0, 3.0, 1.0])
    orders = [ndcg_among_rated(np.array(order, float), ratings, 2) for order in permutations(range(4))]
    assert random_ndcg_among_rated(ratings, 2) == pytest.approx(np.mean(orders))


def test_what_there_is_not(ratings):
    with pytest.raises(ConfigurationError, match="scenario is one of warm, user-cold"):
        melu(ratings, "cold")
    few = ratings.of_users(np.arange(2))
    with pytest.raises(ConfigurationError, match="the protocol needs three at least"):
        recbole(few)
