"""In use: exact reasons, a user in a kilobyte that grows event by event, files, and questions for new users."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.ratings import divided, ratings
from helpers.recommending import no_cases
from innerloop.errors import CheckpointError, ConfigurationError, DataError
from innerloop.recommend import RECOMMENDERS, Column, Events, Features, Service, UserState, load, onboarding, save
from innerloop.recommend._onboarding import greedy
from innerloop.recommend._rows import Rows
from innerloop.recommend._user_state import EVENTS

FEW = {"factors": 3, "steps": 5, "tasks_per_step": 4, "queries": 4, "hidden": (4,), "width": 4, "negatives": 4}
KINDS = ["cavia", "learned_ridge", "maml", "attention", "fine_tuned"]
_MADE = {}


def service(name="cavia", goal="ratings"):
    if (name, goal) not in _MADE:
        events, features = ratings(cold=3)
        model = RECOMMENDERS[name](item_features=features, goal=goal, **FEW)
        train, _ = divided(events)
        _MADE[name, goal] = Service(model.fit(train, no_cases(events)))  # trained, however good the start is
    return _MADE[name, goal]


ITEMS, VALUES = [4, 17, 2, 9, 11], [5.0, 1.5, 3.0, 4.0, 2.0]


def learned_without(serving, event):
    """Scores of all items for the user of ITEMS who never had one event.

    Ratings: read anew. Rankings: adapted to the other events' rows, beside the items that the whole history was given.
    """
    rest = [place for place in range(5) if place != event]
    if serving.model.scale is not None:
        return serving.scores(serving.read([ITEMS[at] for at in rest], [VALUES[at] for at in rest]))
    model, learner = serving.model, serving.model.learner
    events = Events.of(np.zeros(5), ITEMS, users=1, items=30)
    rows = Rows(events, model.tower.known, None, negatives=4, seed=model.setting.seed)
    every = rows.examples(torch.zeros(1, dtype=torch.int64), torch.arange(5)[None], torch.ones(1, 5, dtype=torch.bool))
    kept = every.map(lambda leaf: leaf[0][rest])
    with torch.no_grad():
        return model.score(learner.adapt(kept), model.tower.table(), kept.x).double().numpy()


def test_effects_of_rankings_hold_the_items_drawn_beside_other_events():
    serving = service("learned_ridge", "ranking")
    whole = serving.scores(serving.read(ITEMS))
    effects = serving.effects(serving.read(ITEMS), np.arange(30))
    # read anew, the item of the event that is left out may be drawn beside the others
    anew = np.stack([whole - serving.scores(serving.read(ITEMS[:n] + ITEMS[n + 1 :])) for n in range(5)])
    drawn = serving._support(serving.read(ITEMS), None).x["item"][:5, 1:]
    assert not set(ITEMS) & set(drawn.flatten().tolist())
    same = [np.allclose(one, other, atol=1e-5) for one, other in zip(effects, anew, strict=True)]
    without = [serving._support(serving.read(ITEMS[:n] + ITEMS[n + 1 :]), None).x["item"][:4, 1:] for n in range(5)]
    held = [torch.equal(drawn[[at for at in range(5) if at != n]], without[n]) for n in range(5)]
    assert same == held
    assert False in held


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_effects_are_those_of_learning_the_user_again_without_the_event(name, goal):
    serving = service(name, goal)
    user = serving.read(ITEMS, VALUES)
    effects = serving.effects(user, np.arange(30))
    assert effects.shape == (5, 30)
    whole = serving.scores(user)
    for event in range(5):
        np.testing.assert_allclose(effects[event], whole - learned_without(serving, event), atol=2e-6)
    assert np.abs(effects).max() > 2e-5  # ten times the tolerance, for the attention whose head starts at zero too
    found = serving.recommend(user, 4, reasons=2)
    for one in found:
        column = effects[:, one.item]
        order = np.argsort(-np.abs(column), kind="stable")[:2]
        assert [reason.item for reason in one.reasons] == [ITEMS[at] for at in order]
        np.testing.assert_allclose([reason.effect for reason in one.reasons], column[order], atol=1e-5)
        assert one.known == (one.item < 27)


def test_the_best_items_are_recommended_and_seen_ones_left_out():
    serving = service()
    user = serving.read(ITEMS, VALUES)
    scores = serving.scores(user)
    open_to = [item for item in np.argsort(-scores, kind="stable") if item not in ITEMS]
    assert [one.item for one in serving.recommend(user, 6)] == open_to[:6]
    assert {one.item for one in serving.recommend(user, 30, exclude_seen=False)} == set(range(30))
    assert len(serving.recommend(user, 99)) == 25
    assert [one.item for one in serving.recommend(user, 2, exclude=open_to[:3])] == open_to[3:5]
    nobody = serving.read([], [])
    assert all(one.reasons == () for one in serving.recommend(nobody, 3))


@pytest.mark.parametrize("name", KINDS)
@given(st.lists(st.integers(0, 29), min_size=1, max_size=8, unique=True), st.integers(0, 1_000))
@settings(deadline=None, max_examples=5)
def test_adding_events_one_at_a_time_equals_reading_them_at_once(name, items, seed):
    serving = service(name)
    values = np.random.default_rng(seed).integers(1, 6, len(items)).astype(float).tolist()
    grown = serving.read([], [])
    for item, value in zip(items, values, strict=True):
        grown = UserState.from_bytes(serving.extend(grown, [item], [value]).to_bytes())
    whole = serving.read(items, values)
    assert grown.to_bytes() == whole.to_bytes()
    np.testing.assert_array_equal(serving.scores(grown), serving.scores(whole))


def test_implicit_events_are_added_without_ratings():
    serving = service("cavia", "ranking")
    grown = serving.extend(serving.read([4]), [7])
    assert grown.to_bytes() == serving.read([4, 7]).to_bytes()


def test_a_replayed_event_does_no_harm_and_events_without_ratings_are_refused():
    serving = service("cavia")
    state = serving.read([4, 7, 9], [5.0, 1.5, 3.0])
    assert serving.extend(state, [9], [3.0]).to_bytes() == state.to_bytes()
    assert serving.extend(state, []).to_bytes() == state.to_bytes()
    assert serving.extend(state, [4], [2.0]).to_bytes() == serving.read([7, 9, 4], [1.5, 3.0, 2.0]).to_bytes()
    with pytest.raises(DataError, match="learned ratings; got events without"):
        serving.extend(state, [1])
    with pytest.raises(DataError, match="got 120 items and 90 ratings"):
        serving.read([place % 30 for place in range(120)], [3.0] * 90)


@pytest.mark.parametrize("name", KINDS)
def test_a_state_takes_a_kilobyte_at_most_and_keeps_the_latest_events(name):
    serving = service(name)
    items = [place % 30 for place in range(3 * EVENTS)]
    state = serving.read(items, [float(item % 5 + 1) for item in items])
    assert len(state.to_bytes()) <= 1_024
    assert state.items.tolist() == items[-30:]  # one event an item, the latest
    wide = UserState(np.arange(EVENTS), np.ones(EVENTS, np.float32), np.ones(94, np.float32))
    assert len(wide.to_bytes()) <= 1_024


@pytest.mark.parametrize("name", ["cavia", "learned_ridge"])
def test_a_short_vector_scores_as_the_events_do(name):
    serving = service(name)
    state = serving.read(ITEMS, VALUES)
    assert len(state.vector) == 4
    without = UserState(state.items, state.values, state.vector[:0])
    np.testing.assert_allclose(serving.scores(without), serving.scores(state), atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_a_saved_recommender_scores_to_the_bit_as_before(name, goal, tmp_path):
    serving = service(name, goal)
    save(serving.model, tmp_path / "model.safetensors", {"schema": [1, 2]})
    model, about = load(tmp_path / "model.safetensors")
    assert about == {"schema": [1, 2]}
    assert (model.name, model.family) == (serving.model.name, serving.model.family)
    user = serving.read(ITEMS, VALUES)
    np.testing.assert_array_equal(Service(model).scores(user), serving.scores(user))


def test_features_of_a_user_are_part_of_the_file(tmp_path):
    events, _ = ratings()
    users = Features({"age": Column.categories(np.arange(40) % 2 + 1, 3)}, 40)
    model = RECOMMENDERS["cavia"](user_features=users, **FEW).fit(*divided(events))
    save(model, tmp_path / "model")
    serving = Service(load(tmp_path / "model")[0])
    one = Features({"age": Column.categories(np.array([2]), 3)}, 1)
    found = serving.scores(serving.read([1], [3.0], one), one)
    support = Events.of([35], [1], [3.0], users=40, items=30)
    np.testing.assert_allclose(found, model.scores(support, np.array([35]))[0], atol=1e-5)
    with pytest.raises(DataError, match="Give features= with one row"):
        serving.read([1], [3.0])


def test_damaged_files_and_states_are_refused(tmp_path):
    serving = service()
    path = tmp_path / "model"
    save(serving.model, path)
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with pytest.raises(CheckpointError):
        load(path)
    state = serving.read(ITEMS, VALUES).to_bytes()
    for damaged in (state[:-1], b"", b"none of ours", state + b"0"):
        with pytest.raises(CheckpointError):
            UserState.from_bytes(damaged)


def test_events_that_cannot_be_are_refused():
    serving = service()
    for items, values, words in (
        ([30], [1.0], "from 0 to 29; got 30"), ([-1], [1.0], "got -1"), ([1], [float("nan")], "no finite rating"),
        ([1, 2], [1.0], "2 items and 1 ratings"), ([1], None, "learned ratings"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=words):
            serving.read(items, values)


def test_greedy_questions_take_most_variance_by_brute_force():
    rng = np.random.default_rng(0)
    phi, candidates, weights = rng.normal(size=(7, 3)), rng.normal(size=(6, 3)), rng.random(7)
    prior = np.diag([1.0, 0.5, 2.0])

    def left(chosen):
        rows = candidates[list(chosen)]
        covariance = np.linalg.inv(np.linalg.inv(prior) + rows.T @ rows)
        return (weights * np.einsum("nf,fg,ng->n", phi, covariance, phi)).sum()

    found = greedy(phi, candidates, weights, prior, 4)
    for at in range(4):
        others = {n: left([*found[:at], n]) for n in range(6) if n not in found[:at]}
        assert found[at] == min(others, key=others.__getitem__)
    best = min(map(left, itertools.combinations(range(6), 2)))
    assert left(found[:2]) <= 1.05 * best


def test_questions_of_a_model_are_known_items_and_say_more_than_others():
    serving = service("learned_ridge")
    found = serving.onboarding(3)
    assert found == onboarding(serving.model, 3)
    assert len(set(found)) == 3
    assert max(found) < 27
    assert onboarding(serving.model, 1, candidates=[29, 5]) in ([29], [5])
    with pytest.raises(DataError, match="40 questions need"):
        serving.onboarding(40)
    with pytest.raises(ConfigurationError, match="learned_ridge"):
        service("maml").onboarding(3)
