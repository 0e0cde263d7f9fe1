"""A recommender beats the bias model in a world of factors, and scores new users one by one or together."""

import numpy as np
import pytest
import torch

from helpers.ratings import cases, divided, ratings
from helpers.recommending import no_cases
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import (
    LEARNED,
    Cases,
    Column,
    Events,
    Features,
    Service,
    Setting,
    UserTasks,
    evaluate_recommender,
)
from innerloop.recommend._start import popularity, scale_of, start_of

FEW = {"factors": 3, "steps": 3, "tasks_per_step": 4, "queries": 4, "hidden": (4,), "width": 4, "negatives": 4}


def small(name, features=None, **more):
    changes = {**FEW, **more}
    if name == "learned_bias":
        changes["factors"] = 0
    return LEARNED[name](item_features=features, **changes)


def rmse(model, found):
    return float(np.sqrt(np.mean((model.predict(found) - found.query.value) ** 2)))


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_each_scores_and_predicts_alike_for_many_users_and_for_one(name, goal):
    events, features = ratings()
    train, found = divided(events)
    model = small(name, features, goal=goal).fit(train, found)
    users = found.users
    table = model.scores(found.support, users)
    assert table.shape == (10, 30)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(model.scores(found.support, users[3:4])[0], table[3], atol=1e-5)
    expected = table[users.searchsorted(found.query.user), found.query.item]
    np.testing.assert_allclose(model.predict(found), expected, atol=1e-5)
    assert model.name
    assert model.family in ("gradient", "metric", "memory", "transfer")


def test_they_find_the_factors_that_the_bias_model_misses():
    events, features = ratings(users=160, each=24, noise=0.1)
    train, found = divided(events, test=40, shots=12)
    plain = rmse(small("learned_bias", steps=20).fit(train, found), found)
    settings = {"factors": 4, "steps": 150, "tasks_per_step": 16, "queries": 12, "lr": 0.01}
    for name, more in (("learned_ridge", {}), ("cavia", {"inner_lr": 0.3})):
        assert rmse(small(name, features, **settings, **more).fit(train, found), found) < 0.7 * plain


def test_melus_steps_move_nothing():
    events, features = ratings()
    train, found = divided(events)
    model = small("melu", features, steps=20).fit(train, found)
    nobody = found.support.where(np.zeros(len(found.support), bool))
    moved = np.abs(model.scores(found.support, found.users) - model.scores(nobody, found.users))
    assert 0 < moved.max() < 1e-3


def test_a_cold_item_gets_the_score_of_its_features():
    events, features = ratings(users=160, items=40, each=20, noise=0.1, cold=0)
    warm = events.where(events.item < 36)
    train, found = divided(warm, test=40, shots=10)
    _, cold = divided(events.where((events.item >= 36) | (np.arange(len(events)) % 20 < 10)), test=40, shots=1)
    model = small("learned_ridge", features, steps=150, tasks_per_step=16, lr=0.01, hide=0.3).fit(train, found)
    query = cold.query.where(cold.query.item >= 36)
    support = found.support.of_users(np.unique(query.user))
    query = query.where(np.isin(query.user, np.unique(support.user)))
    unseen = Cases(support, query)
    assert rmse(model, unseen) < 0.97 * float(np.std(query.value))


def test_a_user_without_events_gets_what_a_new_user_gets():
    events, features = ratings()
    train, found = divided(events)
    model = small("learned_ridge", features).fit(train, found)
    support = found.support.where(found.support.user != 32)
    scores = model.scores(support, found.users)
    nobody = Events.of([], [], [], users=40, items=30)
    np.testing.assert_allclose(scores[2], model.scores(nobody, np.array([0]))[0], atol=1e-6)
    assert np.abs(scores[1] - scores[2]).max() > 1e-3


def test_features_of_users_are_read_by_their_number():
    events, _ = ratings()
    train, found = divided(events)
    users = Features({"age": Column.categories(np.arange(40) % 2 + 1, 3)}, 40)
    model = LEARNED["cavia"](user_features=users, **FEW).fit(train, found)
    nobody = Events.of([], [], [], users=40, items=30)
    scores = model.scores(nobody, np.array([31, 33, 34]))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    assert np.abs(scores[0] - scores[2]).max() > 1e-6


def test_training_goes_by_the_seed_alone():
    events, features = ratings()
    train, found = divided(events)
    one, same, other = (small("cavia", features, seed=seed).fit(train, found) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.predict(found), same.predict(found))
    assert np.abs(one.predict(found) - other.predict(found)).max() > 1e-4


def test_what_training_starts_from():
    events, _ = ratings()
    scale = scale_of(events)
    y = (events.value - scale.mean) / scale.deviation
    # the alternation ends where both equations hold
    found = start_of(events, scale, 0).biases.numpy()
    left = y - found[events.item]
    users = np.bincount(events.user, left, 40) / (events.counts + 5)
    again = np.bincount(events.item, y - users[events.user], 30) / (np.bincount(events.item, minlength=30) + 5)
    np.testing.assert_allclose(found, again, atol=1e-3)
    counts = np.bincount(events.item, minlength=30)
    assert (np.argsort(popularity(events).numpy(), kind="stable") == np.argsort(counts, kind="stable")).all()
    assert scale_of(Events.of([0], [0], [2.0], users=1, items=1)).deviation == 1.0


def test_factors_to_start_from_are_the_best_of_their_rank():
    events, _ = ratings(users=60, items=12, each=8)
    scale = scale_of(events)
    for given, left in ((None, np.ones(len(events))), (scale, _left(events, scale))):
        dense = np.zeros((60, 12))
        dense[events.user, events.item] = left
        dense /= np.sqrt(np.bincount(events.item, minlength=12) + (20 if given is None else 5))
        gram, q = dense.T @ dense, start_of(events, given, 3).factors.numpy().astype(float)
        values = np.sort(np.linalg.eigvalsh(gram))[::-1]
        np.testing.assert_allclose(((gram - q @ q.T) ** 2).sum(), (values[3:] ** 2).sum(), rtol=1e-2)
    assert start_of(events.where(events.user < 0), None, 3).factors.shape == (12, 3)


@pytest.mark.parametrize("ranked", [False, True])
def test_a_users_own_part_of_the_start_can_be_taken_out(ranked):
    events, _ = ratings(users=60, items=12, each=8)
    events = Events.of(*(np.append(column, column[:1]) for column in (events.user, events.item, events.value)),
                       users=60, items=12)  # fmt: skip  # one of them twice
    scale = None if ranked else scale_of(events)
    counts = np.bincount(events.item, minlength=12)
    torch.manual_seed(0)
    start = start_of(events, scale, 3, stretch=2.0)
    left = np.ones(len(events)) if ranked else _left(events, scale)
    dense = np.zeros((60, 12))
    np.add.at(dense, (events.user, events.item), left / np.sqrt(counts[events.item] + (20 if ranked else 5)))
    traces = start.traces.of(torch.tensor([0, 7]), torch.arange(12).expand(2, 1, 12))[:, 0].double()
    for row, user in enumerate((0, 7)):
        others = np.delete(np.arange(60), user)
        q = 2.0 * dense[others].T @ start.traces.users.double().numpy()[others]
        np.testing.assert_allclose(start.factors - traces[row, :, :3], q, atol=1e-3)
        rest = events.where(events.user != user)
        if ranked:
            count = np.log(np.bincount(rest.item, minlength=12) + 0.5)
            np.testing.assert_allclose(start.biases - traces[row, :, 3], count - np.log(counts + 0.5).mean(), atol=1e-5)
        else:
            _, users = _biases(events, scale)
            y = (rest.value - scale.mean) / scale.deviation - users[rest.user]
            alone = np.bincount(rest.item, y, 12) / (np.bincount(rest.item, minlength=12) + 5)
            np.testing.assert_allclose(start.biases - traces[row, :, 3], alone, atol=1e-3)


def test_weights_are_chosen_by_the_reported_metric_and_a_better_start_is_kept():
    events, features = ratings()
    train, found = divided(events)
    for goal, metric in (("ratings", "absolute error"), ("ranking", "nDCG@10"), ("ratings", "root mean squared error")):
        asked = {"metric": metric} if metric.startswith("root") else {}
        model = small("cavia", features, goal=goal, steps=4, validate_every=1, **asked).fit(train, found)
        assert model.done.best == pytest.approx(evaluate_recommender(model, found).mean(metric))
        spoilt = small("cavia", features, goal=goal, lr=3.0, steps=1, **asked).fit(train, found)
        assert spoilt.done.best_step == 0
        start = small("cavia", features, goal=goal).begin(train)
        np.testing.assert_array_equal(spoilt.predict(found), start.predict(found))


def _left(events, scale):
    """What user and item biases leave."""
    items, users = _biases(events, scale)
    return (events.value - scale.mean) / scale.deviation - items[events.item] - users[events.user]


def _biases(events, scale):
    """Of items and users, solved for anew."""
    y, items, users = (events.value - scale.mean) / scale.deviation, np.zeros(12), np.zeros(60)
    for _ in range(200):
        items = np.bincount(events.item, y - users[events.user], 12) / (np.bincount(events.item, minlength=12) + 5)
        users = np.bincount(events.user, y - items[events.item], 60) / (events.counts + 5)
    return items, users


def test_what_was_not_liked_is_neither_learned_nor_drawn_beside_what_was():
    events, features = ratings()
    train, found = divided(events)
    model = small("cavia", features, goal="ranking", least=3.0).fit(train, no_cases(events))
    liked = Cases(found.support.liked(3.0), found.query)
    np.testing.assert_array_equal(model.scores(found.support, found.users), model.scores(liked.support, found.users))
    # the start is that of liked events alone, and what training draws beside them is nothing that anybody met
    alone = small("cavia", features, goal="ranking").begin(train.liked(3.0))
    started = small("cavia", features, goal="ranking", least=3.0).begin(train)
    np.testing.assert_array_equal(started.tower.ids.weight.detach(), alone.tower.ids.weight.detach())
    source = UserTasks(train.liked(3.0), model.tower.known, None, negatives=20, own=train)
    for number in range(20):
        query = source[number].query
        rows = query.x["item"][query.mask]
        owners = [who for who in range(30) if set(rows[:, 0].tolist()) <= set(train.liked(3.0).history(who).item)]
        assert any(not set(rows[:, 1:].flatten().tolist()) & set(train.history(who).item) for who in owners)
    service = Service(model)
    items, values = found.support.history(31).item, found.support.history(31).value
    state, fewer = service.read(items, values), service.read(items[values >= 3.0], values[values >= 3.0])
    assert 0 < len(fewer) < len(state)
    np.testing.assert_allclose(service.scores(state), service.scores(fewer), atol=1e-5)
    assert not service.effects(state, np.arange(5))[values < 3.0].any()
    with pytest.raises(DataError, match="got events without"):
        service.read(items)


def test_what_cannot_be_is_refused():
    implicit = Events.of([0, 0, 1, 1], [0, 1, 1, 2], users=2, items=4)
    none = implicit.where(np.zeros(4, bool))
    with pytest.raises(DataError, match="no ratings to learn"):
        LEARNED["cavia"](**FEW).fit(implicit, Cases(none, none))
    LEARNED["cavia"](goal="ranking", **FEW).fit(implicit, Cases(none, none))
    with pytest.raises(DataError, match="no ratings, so least="):
        LEARNED["cavia"](goal="ranking", least=4.0, **FEW).fit(implicit, Cases(none, none))
    with pytest.raises(ConfigurationError, match="least= goes with goal='ranking'"):
        Setting("cavia", least=4.0)
    with pytest.raises(ConfigurationError, match="squared, huber, absolute; got 'bpr'"):
        Setting("cavia", loss="bpr")
    with pytest.raises(ConfigurationError, match="got 'mamel'"):
        Setting("mamel")
    for wrong in ({"hidden": ()}, {"inner_lr": 0.0}, {"steps": 0}, {"weight_decay": -1.0}, {"goal": "rank"}):
        with pytest.raises(ConfigurationError):
            Setting("maml", **wrong)


def test_cases_of_one_user_only():
    events, _ = ratings()
    train, found = divided(events)
    model = small("cavia").fit(train, found)
    one = cases(events, [35])
    np.testing.assert_allclose(model.predict(one), model.predict(found)[found.query.user == 35], atol=1e-5)
