"""Tasks hold a user's events in order, never one in support and query, whatever they are batched with."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.ratings import cases, ratings
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import Cases, CaseTasks, Column, Events, Features, UserTasks
from innerloop.recommend._rows import Scale, bucket, spread

KNOWN = torch.ones(30, dtype=torch.bool)


def uneven(seed, users=12, items=30):
    rng = np.random.default_rng(seed)
    user, item = [], []
    for who in range(users):
        own = rng.permutation(items)[: rng.integers(0, items)]
        user, item = user + [who] * len(own), item + own.tolist()
    return Events.of(user, item, rng.integers(1, 6, len(user)), np.arange(len(user)), users=users, items=items)


WHO = Features({"user": Column.categories(np.arange(12), 12)}, 12)


def real(examples, row):
    mask = examples.mask[row]
    return examples.x["item"][row][mask], examples.y[row][mask]


@given(st.integers(0, 1_000), st.sampled_from(["first", "random"]), st.sampled_from([(1, 20), (3, 3), (2, 40)]))
@settings(deadline=None, max_examples=40)
def test_support_is_consecutive_and_the_query_comes_later(seed, cut, shots):
    events = uneven(seed)
    source = UserTasks(events, KNOWN, Scale(), shots=shots, queries=6, cut=cut, seed=seed, user_features=WHO)
    tasks = source[0:8]
    for row in range(8):
        item, _ = real(tasks.support, row)
        asked, y = real(tasks.query, row)
        history = events.history(int(tasks.support.x["codes"][row, 0, 0]))
        at = history.item.tolist().index(int(item[0]))
        assert history.item[at : at + len(item)].tolist() == item.flatten().tolist()
        assert cut == "random" or at == 0
        assert 1 <= len(item) <= shots[1]
        later = [history.item.tolist().index(int(i)) for i in asked]
        assert later == sorted(set(later))
        assert len(later) >= 1
        assert later[0] >= at + len(item)
        np.testing.assert_allclose(y[:, 0].numpy(), history.value[later])


@given(st.integers(0, 1_000), st.booleans())
@settings(deadline=None, max_examples=25)
def test_a_task_is_the_same_alone_and_in_any_batch(seed, ranking):
    source = UserTasks(uneven(seed), KNOWN, None if ranking else Scale(), negatives=4, hide=0.3, seed=seed)
    numbers = torch.tensor([5, 0, 11, 3])
    batch = source.batch(numbers)
    for row, number in enumerate(numbers.tolist()):
        alone = source.batch(torch.tensor([number]))
        for part in ("support", "query"):
            together, single = getattr(batch, part), getattr(alone, part)
            there, own = together.mask[row], single.mask[0]
            assert there.sum() == own.sum()
            for name in together.x:
                assert torch.equal(together.x[name][row][there], single.x[name][0][own])
            assert torch.equal(together.y[row][there], single.y[0][own])


def test_a_hidden_item_is_hidden_in_the_whole_task_and_negatives_are_no_items_of_the_set():
    events = uneven(3)
    source = UserTasks(events, KNOWN, None, negatives=9, hide=0.5, seed=1, user_features=WHO)
    tasks = source[0:20]
    assert tasks.ways == 10
    hidden = set()
    for row in range(20):
        own = set(events.history(int(tasks.support.x["codes"][row, 0, 0])).item.tolist())
        seen = {}
        first = set(real(tasks.support, row)[0][:, 0].tolist())
        for part, never in ((tasks.support, first), (tasks.query, own)):
            item, _ = real(part, row)
            identity = part.x["id"][row][part.mask[row]]
            assert not never & set(item[:, 1:].flatten().tolist())
            for number, code in zip(item.flatten().tolist(), identity.flatten().tolist(), strict=True):
                assert code in (0, number + 1)
                assert seen.setdefault(number, code) == code
                hidden.add(code == 0)
    assert hidden == {True, False}


@pytest.mark.parametrize("cut", ["first", "random"])
def test_negatives_of_a_support_set_do_not_tell_what_is_queried(cut):
    # everybody has met four of six items; of the five beside the one support item three or fewer are the user's own
    rng = np.random.default_rng(0)
    users = 300
    item = np.concatenate([rng.permutation(6)[:4] for _ in range(users)])
    events = Events.of(np.repeat(np.arange(users), 4), item, np.ones(4 * users), users=users, items=6)
    who = Features({"user": Column.categories(np.arange(users), users)}, users)
    known = torch.ones(6, dtype=torch.bool)
    tasks = UserTasks(events, known, None, shots=1, queries=3, cut=cut, negatives=8, user_features=who)[0:600]
    drawn = tasks.support.x["item"][:, 0, 1:]
    asked = torch.where(tasks.query.mask, tasks.query.x["item"][..., 0], -1)
    share = (drawn[..., None] == asked[:, None]).any(-1).double().mean()
    expected = tasks.query.mask.sum(1).double().mean() / 5  # each of the five others is drawn as often
    assert abs(share - expected) < 0.03  # four standard deviations of 4,800 draws
    for row in range(600):
        own = set(events.history(int(tasks.support.x["codes"][row, 0, 0])).item.tolist())
        assert not own & set(tasks.query.x["item"][row, :, 1:][tasks.query.mask[row]].flatten().tolist())


def test_items_without_training_events_are_unknown():
    known = KNOWN.clone()
    known[7] = False
    task = UserTasks(uneven(0), known, Scale())[0:30]
    codes, items = (torch.cat([task.support.x[name], task.query.x[name]], 1) for name in ("id", "item"))
    mask = torch.cat([task.support.mask, task.query.mask], 1)
    assert torch.equal(codes[mask] == 0, items[mask] == 7)
    assert (items[mask] == 7).any()


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(1, 12), st.floats(0, 0.999999))
def test_spread_places_are_different_and_there(counts, width, share):
    at, there = spread(torch.tensor(counts), width, torch.full((len(counts),), share))
    for row, count in enumerate(counts):
        own = at[row][there[row]].tolist()
        assert len(own) == min(count, width) == len(set(own))
        assert all(0 <= place < count for place in own)


@settings(deadline=None)
@given(st.integers(0, 500))
def test_a_bucket_is_long_enough_and_less_than_twice_too_long(length):
    assert length <= bucket(length) <= max(1, 2 * length)


def test_cases_are_all_events_of_the_judged_users_with_their_features():
    events, _ = ratings()
    users = Features({"age": Column.categories(np.arange(40) % 3, 3)}, 40)
    found = cases(events, [3, 8], shots=5)
    tasks = CaseTasks(found, KNOWN, Scale(1.0, 2.0), user_features=users)
    batch = tasks.batch(torch.arange(2))
    for row, user in enumerate((3, 8)):
        history = events.history(user)
        for part, rows in ((batch.support, slice(0, 5)), (batch.query, slice(5, None))):
            item, y = real(part, row)
            assert item.flatten().tolist() == history.item[rows].tolist()
            torch.testing.assert_close(y[:, 0], torch.from_numpy((history.value[rows] - 1) / 2).float())
            assert (part.x["codes"][row] == user % 3).all()


def test_negatives_of_a_query_are_neither_in_support_nor_in_query():
    events, _ = ratings()
    batch = CaseTasks(cases(events, np.arange(10)), KNOWN, None, negatives=12).batch(torch.arange(10))
    for user in range(10):
        own = set(events.history(user).item.tolist())
        first = set(events.history(user).item[:4].tolist())
        for part, never in ((batch.support, first), (batch.query, own)):
            assert not never & set(part.x["item"][user, :, 1:][part.mask[user]].flatten().tolist())


def test_negatives_of_a_query_are_no_seen_items_either():
    events, _ = ratings()
    found = cases(events, np.arange(10), shots=6)
    early = np.arange(len(found.support)) % 6 < 3
    apart = Cases(found.support.where(~early), found.query, found.support.where(early))
    batch = CaseTasks(apart, KNOWN, None, negatives=12).batch(torch.arange(10))
    drawn = set()
    for user in range(10):
        early = set(events.history(user).item[:3].tolist())
        assert not early & set(batch.query.x["item"][user, :, 1:][batch.query.mask[user]].flatten().tolist())
        drawn |= early & set(batch.support.x["item"][user, :, 1:][batch.support.mask[user]].flatten().tolist())
    assert drawn  # the support set has no part in it


def test_what_is_queried_has_no_influence_on_the_support_set():
    events, _ = ratings()
    found = cases(events, np.arange(10))
    other = type(found)(found.support, found.query.where(np.arange(len(found.query)) % 8 == 0))
    numbers = torch.arange(10)
    one, two = (CaseTasks(each, KNOWN, None, negatives=12).batch(numbers).support for each in (found, other))
    assert torch.equal(one.x["item"], two.x["item"])


def test_what_cannot_be_is_refused():
    events = uneven(0)
    with pytest.raises(ConfigurationError, match="shots= is a number or"):
        UserTasks(events, KNOWN, Scale(), shots=(5, 2))
    with pytest.raises(DataError, match="No user has two events"):
        UserTasks(Events.of([0, 1], [0, 0], [1.0, 2.0], users=2, items=30), KNOWN, Scale())
    described = UserTasks(events, KNOWN, Scale()).describe()
    assert described["shots"] == "1 to 20"
    assert UserTasks(events, KNOWN).supply().number == described["users"]
