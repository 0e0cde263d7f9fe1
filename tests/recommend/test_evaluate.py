"""Users are judged one by one, against an independent computation."""

import numpy as np
import pytest

from helpers.recommending import first_and_later, movielens_small, some_events
from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.recommend import Cases, Events, Recommender, compare_recommenders, evaluate_recommender, leave_users_out
from innerloop.recommend import _evaluate as module
from innerloop.recommend.rivals import GlobalMean, ItemMean, Popularity, UserItemBias


class Table(Recommender):
    """Scores that are given."""

    name, family = "table", "trivial"

    def __init__(self, table):
        self.table = table

    def fit(self, train, validation):
        return self

    def scores(self, support, users):
        return self.table[users]


@pytest.fixture
def cases():
    return first_and_later(some_events(seed=3), [1, 4, 7, 9], shots=2)


def test_every_user_has_the_metrics_of_their_own_query(cases):
    table = np.random.default_rng(0).random((30, 12)) * 5  # no ties
    found = evaluate_recommender(Table(table), cases, k=3)
    for n, user in enumerate(found.users):
        query, seen = cases.query.history(user), set(cases.support.history(user).item)
        off = table[user][query.item] - query.value
        assert found.values["absolute error"][n] == pytest.approx(np.abs(off).mean())
        assert found.values["root mean squared error"][n] == pytest.approx(np.sqrt((off**2).mean()))
        liked = set(query.item[query.value >= 4])
        top = sorted(set(range(12)) - seen, key=lambda item: -table[user][item])[:3]
        if not liked:
            assert np.isnan(found.values["HR@3"][n])
            continue
        assert found.values["HR@3"][n] == bool(liked & set(top))
        gain = sum(1 / np.log2(place + 2) for place, item in enumerate(top) if item in liked)
        best = sum(1 / np.log2(place + 2) for place in range(min(3, len(liked))))
        assert found.values["nDCG@3"][n] == pytest.approx(gain / best)


def test_seen_items_are_no_candidates():
    every = first_and_later(some_events(seed=3), [1, 4, 7, 9], shots=4)
    early = np.arange(len(every.support)) % 2 == 0
    cases = Cases(every.support.where(~early), every.query, every.support.where(early))
    blind = Cases(cases.support, cases.query)
    table = Table(np.random.default_rng(1).random((30, 12)))
    found, other = (evaluate_recommender(table, each, k=3) for each in (cases, blind))
    whole = evaluate_recommender(table, every, k=3)
    for metric, values in found.values.items():
        np.testing.assert_array_equal(values, whole.values[metric])  # as if they were support
    assert not np.array_equal(found.values["nDCG@3"], other.values["nDCG@3"], equal_nan=True)
    for n, user in enumerate(found.users):
        met = {*cases.support.history(user).item, *cases.seen.history(user).item}
        query = cases.query.history(user)
        liked = set(query.item[query.value >= 4])
        top = sorted(set(range(12)) - met, key=lambda item: -table.table[user][item])[:3]
        if liked:
            assert found.values["HR@3"][n] == bool(liked & set(top))
    with pytest.raises(ConfigurationError, match="not evaluated on the same tasks"):
        compare_recommenders({"one": found, "other": other}, "nDCG@3")


def test_sampled_others_are_no_seen_items():
    # of four items one is asked for, one known, one seen: what is left is worse, or better
    one = Events.of([0], [0], users=1, items=4)
    support, seen = Events.of([0], [1], users=1, items=4), Events.of([0], [2], users=1, items=4)
    for score, hit in ((0.0, 1.0), (9.0, 0.0)):
        table = Table(np.array([[5.0, 9.0, 9.0, score]]))
        found = evaluate_recommender(table, Cases(support, one, seen), k=1, sampled=1)
        assert found.mean("sampled HR@1 (1+1)") == found.mean("HR@1") == hit


def test_users_in_small_groups_give_the_same(cases, monkeypatch):
    model = UserItemBias().fit(some_events(), cases)
    whole = evaluate_recommender(model, cases)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    one_by_one = evaluate_recommender(model, cases)
    for metric, values in whole.values.items():
        np.testing.assert_allclose(values, one_by_one.values[metric], atol=1e-12)


def test_what_only_orders_items_has_no_error_of_ratings(cases):
    found = evaluate_recommender(Popularity().fit(some_events(), cases), cases)
    assert list(found.values) == ["HR@10", "nDCG@10"]


def test_every_implicit_event_is_relevant():
    cases = first_and_later(some_events(explicit=False), [1, 2, 3])
    found = evaluate_recommender(GlobalMean().fit(cases.support, cases), cases)
    assert list(found.values) == ["HR@10", "nDCG@10"]
    assert not np.isnan(found.values["HR@10"]).any()


def test_sampled_metrics_come_only_when_asked_for_and_say_what_they_are(cases):
    every = some_events(items=40, seed=5)
    some = every.where(every.item < 30)  # ten items remain to be drawn
    few = first_and_later(some, [1, 4], shots=2)
    scores = np.zeros((30, 40))
    found = evaluate_recommender(Table(scores), few, k=2, sampled=3)
    # all equal: one relevant item and three others, two places
    assert found.mean("sampled HR@2 (1+3)") == pytest.approx(0.5)
    again = evaluate_recommender(Table(np.random.default_rng(0).random((30, 40))), few, k=2, sampled=3)
    twice = evaluate_recommender(Table(np.random.default_rng(0).random((30, 40))), few, k=2, sampled=3)
    assert again.values["sampled nDCG@2 (1+3)"].tolist() == twice.values["sampled nDCG@2 (1+3)"].tolist()
    with pytest.raises(DataError, match="cannot be drawn"):
        evaluate_recommender(Table(np.zeros((30, 12))), cases, sampled=12)


def test_rows_are_compared_in_pairs_and_only_on_the_same_cases(cases):
    train = some_events(seed=3).of_users(np.array([0, 2, 3, 5, 6]))
    rows = {model.name: evaluate_recommender(model.fit(train, cases), cases) for model in (GlobalMean(), ItemMean())}
    rows["popularity"] = evaluate_recommender(Popularity().fit(train, cases), cases)
    table = compare_recommenders(rows, "absolute error")
    assert set(table.rows) == {"global mean", "item mean"}
    best, other = table.rows
    assert table.rows[best].mean <= table.rows[other].mean
    difference = table.difference(best, other).mean
    assert difference == pytest.approx((table.rows[best].values - table.rows[other].values).mean())
    ranked = compare_recommenders(rows, "nDCG@10")
    assert ranked.rows[ranked.best].mean == max(row.mean for row in ranked.rows.values())
    with pytest.raises(ConfigurationError, match="has 'HR@5'"):
        compare_recommenders(rows, "HR@5")
    rows["elsewhere"] = evaluate_recommender(ItemMean().fit(train, cases), first_and_later(some_events(), [1, 4, 7, 9]))
    with pytest.raises(ConfigurationError, match="not evaluated on the same tasks"):
        compare_recommenders(rows, "absolute error")


def test_what_cannot_be_judged_is_named(cases):
    with pytest.raises(TrainingError, match="scores that are not finite"):
        evaluate_recommender(Table(np.full((30, 12), np.nan)), cases)
    with pytest.raises(DataError, match="nobody to judge"):
        evaluate_recommender(GlobalMean(), first_and_later(some_events(), []))
    with pytest.raises(ConfigurationError, match="k must be at least 1"):
        evaluate_recommender(GlobalMean(), cases, k=0)
    found = evaluate_recommender(Table(np.zeros((30, 12))), cases)
    with pytest.raises(ConfigurationError, match="Did you mean 'HR@10'"):
        found.mean("HR@1")
    written = found.to_json()
    assert written["metrics"]["absolute error"]["users"] == len(found.users)
    assert "table: absolute error" in str(found)


@pytest.mark.data
def test_on_movielens_small_every_step_of_knowledge_helps():
    split = leave_users_out(movielens_small(), shots=10, longest=20, test=0.2)
    models = (GlobalMean(), ItemMean(), UserItemBias(), Popularity())
    rows = {model.name: evaluate_recommender(model.fit(split.train, split.validation), split.test) for model in models}
    errors = compare_recommenders(rows, "absolute error")
    assert list(errors.rows) == ["user + item bias", "item mean", "global mean"]
    assert errors.difference("user + item bias", "item mean").seen
    assert errors.difference("item mean", "global mean").seen
    ranked = compare_recommenders(rows, "nDCG@10")
    assert ranked.best == "popularity"
    assert ranked.difference("popularity", "user + item bias").seen
