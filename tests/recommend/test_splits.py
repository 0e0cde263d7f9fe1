"""Splits hold what they promise, for any events."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.recommending import movielens_small, some_events
from innerloop.errors import ConfigurationError
from innerloop.recommend import Events, by_time, leave_both_out, leave_items_out, leave_users_out, newcomers

SEEDS = st.integers(0, 10_000)


def pairs(events):
    return set(zip(events.user.tolist(), events.item.tolist(), strict=True))


def arriving(events):
    """The same events, users coming one after the other and staying for a while."""
    return replace(events, time=4.0 * events.user + np.arange(len(events)) - events.starts[events.user])


def cases_of(split):
    return split.validation, split.test


@given(SEEDS, st.integers(1, 3))
def test_held_out_users_are_in_no_training_event(seed, shots):
    split = leave_users_out(some_events(seed=seed), shots=shots, validation=0.2, test=0.3, seed=seed)
    parts = [set(split.train.user.tolist())]
    parts += [{*case.support.user.tolist(), *case.query.user.tolist()} for case in cases_of(split)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    for case in cases_of(split):
        assert (case.support.counts[case.users] == shots).all()
        for user in case.users:
            assert case.support.history(user).time.max() < case.query.history(user).time.min()


@given(SEEDS)
def test_query_rows_do_not_depend_on_the_shots(seed):
    events = some_events(seed=seed)
    few, many = (leave_users_out(events, shots=k, longest=4, validation=0.3, test=0.3, seed=seed) for k in (1, 4))
    for a, b in zip(cases_of(few), cases_of(many), strict=True):
        assert pairs(a.query) == pairs(b.query)
        assert pairs(a.support) < pairs(b.support)
    assert pairs(few.train) == pairs(many.train)


def test_who_is_held_out_depends_on_the_seed_and_folds_are_disjoint():
    events = some_events(users=50)
    users = [
        set(leave_users_out(events, shots=1, test=0.3, fold=fold).test.users.tolist()) for fold in range(3)
    ]  # fmt: skip
    assert sum(map(len, users)) == len(set.union(*users))
    assert users[0] != set(leave_users_out(events, shots=1, test=0.3, seed=1).test.users.tolist())
    again = leave_users_out(events, shots=1, test=0.3)
    assert set(again.test.users.tolist()) == users[0]


@given(SEEDS)
def test_newcomers_know_nothing_of_the_future(seed):
    split = newcomers(arriving(some_events(users=40, seed=seed)), shots=1, validation=0.3, test=0.3)
    first = min(case.support.time.min() for case in cases_of(split))
    assert split.train.time.max() < first
    came = split.test.support.time.min()
    assert split.validation.query.time.max() < came
    assert not set(split.train.user.tolist()) & {*split.validation.users.tolist(), *split.test.users.tolist()}


@given(SEEDS, st.sampled_from([None, 1, 3]))
def test_a_cut_in_time_parts_past_and_future(seed, shots):
    split = by_time(some_events(seed=seed), shots=shots, validation=0.2, test=0.2)
    train, (validation, test) = split.train, cases_of(split)
    assert train.time.max() < validation.query.time.min()
    assert validation.query.time.max() < test.query.time.min()
    assert max(train.time.max(), validation.support.time.max()) < validation.query.time.min()
    assert test.support.time.max() < test.query.time.min()
    if shots is None:
        assert pairs(validation.support) == pairs(train.of_users(validation.users))
    else:
        for user in validation.users:
            assert validation.support.history(user).time.tolist() == train.history(user).time[-shots:].tolist()


@given(SEEDS)
def test_held_out_items_are_in_no_training_event(seed):
    split = leave_items_out(some_events(seed=seed), shots=1, validation=0.2, test=0.3, seed=seed)
    for case in cases_of(split):
        assert not set(case.query.item.tolist()) & set(split.train.item.tolist())
        assert pairs(case.support) <= pairs(split.train)
        for user in case.users:
            assert case.support.history(user).time.max() < case.query.history(user).time.min()
    assert not set(split.validation.query.item.tolist()) & set(split.test.query.item.tolist())


def met_by(events, user, keep):
    """Items of a user's events for which `keep(item, time)` holds, one by one."""
    own = events.history(user)
    return {int(i) for i, t in zip(own.item, own.time, strict=True) if keep(int(i), t)}


@given(SEEDS, st.integers(1, 3))
def test_what_is_known_beside_the_support_set_is_seen(seed, shots):
    events = some_events(seed=seed)
    cut = by_time(events, shots=shots, validation=0.2, test=0.2)
    for case in cases_of(cut):
        begin = case.query.time.min()
        for user in case.users:
            support = set(case.support.history(user).item.tolist())
            past = met_by(events, user, lambda item, time, begin=begin: time < begin)
            assert set(case.seen.history(user).item.tolist()) == past - support
    split = leave_items_out(events, shots=shots, validation=0.2, test=0.3, seed=seed)
    trained = set(np.unique(split.train.item).tolist())
    for case in cases_of(split):
        assert set(case.seen.user.tolist()) <= set(case.users.tolist())
        for user in case.users:
            support = case.support.history(user)
            end = support.time.max()
            known = met_by(events, user, lambda item, time, end=end: item in trained or time < end)
            assert set(case.seen.history(user).item.tolist()) == known - set(support.item.tolist())
    new = leave_both_out(some_events(users=60, seed=seed), shots=1, validation=0.2, test=0.3, seed=seed)
    for case in cases_of(new):
        for user in case.users:
            early = case.support.history(user).time.max()
            expected = met_by(some_events(users=60, seed=seed), user, lambda item, time, early=early: time < early)
            assert set(case.seen.history(user).item.tolist()) == expected


@given(SEEDS)
def test_new_users_and_new_items_at_once(seed):
    split = leave_both_out(some_events(users=60, seed=seed), shots=1, validation=0.2, test=0.3, seed=seed)
    for case in cases_of(split):
        assert not set(case.query.item.tolist()) & set(split.train.item.tolist())
        assert not {*case.support.user.tolist(), *case.query.user.tolist()} & set(split.train.user.tolist())
        assert not set(case.support.item.tolist()) & set(case.query.item.tolist())


@pytest.mark.parametrize(
    "split",
    [
        lambda events: leave_users_out(events, shots=2, validation=0.2, test=0.3),
        lambda events: newcomers(events, shots=1, validation=0.3, test=0.3),
        lambda events: by_time(events, shots=3, validation=0.2, test=0.2),
        lambda events: leave_items_out(events, shots=2, validation=0.2, test=0.3),
        lambda events: leave_both_out(events, shots=1, validation=0.2, test=0.3),
    ],
)
def test_nothing_that_is_known_changes_with_what_is_to_be_predicted(split):
    events = arriving(some_events(users=60, seed=3))
    before = split(events)
    asked = np.isin(events.user * events.items + events.item, before.test.query.user * 12 + before.test.query.item)
    after = split(replace(events, value=events.value + asked))
    assert asked.sum() == len(before.test.query)
    assert (after.test.query.value == before.test.query.value + 1).all()
    for a, b in (
        (before.train, after.train),
        (before.validation.support, after.validation.support),
        (before.validation.query, after.validation.query),
        (before.test.support, after.test.support),
    ):
        for column in ("user", "item", "value", "time"):
            assert (getattr(a, column) == getattr(b, column)).all()


def test_too_much_is_too_much():
    events = some_events()
    with pytest.raises(ConfigurationError, match="leave nothing to train on"):
        by_time(events, validation=0.5, test=0.5)
    with pytest.raises(ConfigurationError, match="leave nobody to train on"):
        newcomers(events, shots=1, validation=0.5, test=0.5)
    with pytest.raises(ConfigurationError, match="Nobody has 50 events on items of the training part"):
        leave_items_out(events, shots=50)
    with pytest.raises(ConfigurationError, match="shots must be at least 1"):
        by_time(events, shots=0)
    same = Events.of([0, 1], [0, 1], time=[1, 1], users=2, items=2)
    with pytest.raises(ConfigurationError, match="No event is before the first cut"):
        by_time(same)
    with pytest.raises(ConfigurationError, match="Nothing happened before the first held-out user came"):
        newcomers(Events.of([0, 1, 2, 3], [0] * 4, time=[1] * 4, users=4, items=1), shots=1)
    apart = Events.of(range(20), [0] * 20, time=range(20), users=20, items=1)
    with pytest.raises(ConfigurationError, match="Nobody has events before and after"):
        by_time(apart)


@pytest.mark.data
def test_every_split_of_movielens_small_is_sound():
    events = movielens_small()
    for split in (
        leave_users_out(events, shots=10, longest=20),
        newcomers(events, shots=5),
        by_time(events, shots=20),
        leave_items_out(events, shots=10),
        leave_both_out(events, shots=10),
    ):
        assert len(split.test.users) > 10
        assert len(split.train) > 1_000
