"""Splits that cannot leak: by time, by users, by items, by both, and by who came last."""

from __future__ import annotations

import numpy as np

from innerloop.demands import at_least, between
from innerloop.errors import ConfigurationError
from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._cuts import (
    begun,
    by_arrival,
    chosen,
    demand_no_leak,
    first_of_pairs,
    fresh,
    places,
    population,
)
from innerloop.recommend._events import Events, Whole


def leave_users_out(
    events: Events, *, shots: int, longest: int | None = None, validation: float = 0.1, test: float = 0.1,
    seed: int = 0, fold: int = 0,
) -> Split:  # fmt: skip
    """Users to train on, and others of whom only the first `shots` events are known.

    The query set of a user is what comes after the first `longest` events, so one value of `longest` for several
    numbers of shots predicts the same rows from more or fewer events. (The events between are then neither known to a
    model nor asked for; their items are `Cases.seen` and not recommended.) Training users' events are of any time: what
    is popular later is known earlier. `newcomers` rules that out.

    Args:
        events: all events.
        shots: support events of each held-out user.
        longest: events of a user that are in no query set; None: `shots`.
        validation: share of the users.
        test: share of the users.
        seed: another seed deals the users otherwise; who is where depends on the user's number and the seed alone.
        fold: test users of folds 0, 1, ... share nobody, so that folds can be pooled.

    Raises:
        ConfigurationError: for shares that leave nobody, or if no held-out user has more than `longest` events.

    >>> events = Events.of(np.repeat(np.arange(10), 4), np.tile(np.arange(4), 10), users=10, items=4)
    >>> split = leave_users_out(events, shots=1, longest=3)
    >>> len(split.train), len(split.test.support), len(split.test.query)
    (32, 1, 1)
    """
    train, *held = population([f"user {u}" for u in range(events.users)], validation, test, seed, fold)
    return demand_no_leak(
        Split(events.of_users(train), *(begun(events.of_users(users), shots, longest) for users in held))
    )


def newcomers(
    events: Events, *, shots: int, longest: int | None = None, validation: float = 0.1, test: float = 0.1
) -> Split:  # fmt: skip
    """Users who came last are held out, and training ends when the first of them comes: nothing is from the future.

    Args:
        events: all events; users without one are nowhere.
        shots: support events, as for `leave_users_out`.
        longest: as for `leave_users_out`.
        validation: share of the users that came just before the test users; what they did after the first test user
            came is not looked at.
        test: share of the users that came last.

    Raises:
        ConfigurationError: as for `leave_users_out`.
    """
    order, arrivals = by_arrival(events, "user")
    tested = max(1, round(between("test", test, 0.1) * len(order)))
    tried = max(1, round(between("validation", validation, 0.1) * len(order)))
    if tested + tried >= len(order):
        raise ConfigurationError(f"validation={validation} and test={test} leave nobody to train on. Take less.")
    cuts = arrivals[order[[-tested - tried, -tested]]]
    before = [events.where(events.time < cut) for cut in cuts]
    train = before[0].of_users(order[: -tested - tried])
    if not len(train):
        raise ConfigurationError("Nothing happened before the first held-out user came. Take smaller shares.")
    cases = (
        begun(before[1].of_users(order[-tested - tried : -tested]), shots, longest),
        begun(events.of_users(order[-tested:]), shots, longest),
    )
    return demand_no_leak(Split(train, *cases), cut=float(cuts[0]))


def by_time(events: Events, *, shots: int | None = None, validation: float = 0.1, test: float = 0.1) -> Split:
    """Two cuts in time for all: training before the first, validation queries between them, test queries after.

    A user's support set is what they did last before the cut, training events among it: most users are known. What
    they did before that counts as seen (`Cases.seen`).

    Args:
        events: all events.
        shots: support events, the last ones before the cut; None: all. A user needs one at least.
        validation: share of the events between the cuts.
        test: share of the events after the second cut.

    Raises:
        ConfigurationError: if there is no training event, or nobody has events on both sides of a cut.

    >>> events = Events.of([0] * 10 + [1] * 10, list(range(10)) * 2, time=list(range(10)) * 2, users=2, items=10)
    >>> split = by_time(events, shots=2, validation=0.2, test=0.2)
    >>> split.train.time.max(), split.validation.query.history(0).time.tolist(), split.test.support.history(0).time
    (np.float64(5.0), [6.0, 7.0], array([6., 7.]))
    """
    validation, test = between("validation", validation, 0.1), between("test", test, 0.1)
    if validation + test >= 1:
        raise ConfigurationError(f"validation={validation} and test={test} leave nothing to train on. Take less.")
    if shots is not None:
        at_least("shots", shots, 1)
    once = first_of_pairs(events)
    ordered = np.sort(once.time)
    cuts = [float(ordered[int(len(ordered) * (1 - share))]) for share in (validation + test, test)]
    train = once.where(once.time < cuts[0])
    if not len(train):
        raise ConfigurationError(f"No event is before the first cut at time {cuts[0]}. Take smaller shares.")
    ends = (cuts[1], np.inf)
    cases = (_around(once, cut, end, shots) for cut, end in zip(cuts, ends, strict=True))
    return demand_no_leak(Split(train, *cases), cut=cuts[0])


def leave_items_out(
    events: Events, *, shots: int, validation: float = 0.1, test: float = 0.1, seed: int = 0, fold: int = 0
) -> Split:  # fmt: skip
    """Items that nobody in training has touched, to be predicted for users who are known by other items.

    Support events are the user's first `shots` on items of the training part, and are training events too; the query
    set is what the user did later on held-out items. Only features of the items can help. Their other training events,
    and what they did on held-out items before the support set was complete, count as seen (`Cases.seen`).

    Args:
        events: all events.
        shots: support events.
        validation: share of the items.
        test: share of the items.
        seed: another seed deals the items otherwise.
        fold: test items of folds 0, 1, ... share nothing.

    Raises:
        ConfigurationError: for shares that leave nothing, or if nobody has a case.
    """
    known, *held = population([f"item {i}" for i in range(events.items)], validation, test, seed, fold)
    once = first_of_pairs(events)
    old = chosen(events.items, known)[once.item]
    return demand_no_leak(Split(once.where(old), *(_of_items(once, old, items, shots, trained=True) for items in held)))


def leave_both_out(
    events: Events, *, shots: int, validation: float = 0.1, test: float = 0.1, seed: int = 0, fold: int = 0
) -> Split:  # fmt: skip
    """New users and new items: no training event is of either; the support set is on items of the training part.

    What a user did on held-out items before the support set was complete counts as seen (`Cases.seen`).

    Args:
        events: all events.
        shots: support events.
        validation: share of the users, and of the items.
        test: share of the users, and of the items.
        seed: another seed deals both otherwise.
        fold: test users and items of folds 0, 1, ... share nothing.

    Raises:
        ConfigurationError: for shares that leave nothing, or if nobody has a case.
    """
    users = population([f"user {u}" for u in range(events.users)], validation, test, seed, fold)
    items = population([f"item {i}" for i in range(events.items)], validation, test, seed, fold)
    once = first_of_pairs(events)
    old = chosen(events.items, items[0])[once.item]
    cases = []
    for who, what in zip(users[1:], items[1:], strict=True):
        mine = chosen(events.users, who)[once.user]
        cases.append(_of_items(once.where(mine), old[mine], what, shots, trained=False))
    return demand_no_leak(Split(once.where(old & chosen(events.users, users[0])[once.user]), *cases))


def _around(events: Events, cut: float, end: float, shots: int | None) -> Cases:
    """Users with events before and after a cut."""
    past, coming = events.where(events.time < cut), events.where((events.time >= cut) & (events.time < end))
    both = np.intersect1d(past.user, coming.user)
    if not len(both):
        raise ConfigurationError(f"Nobody has events before and after time {cut}. Take other shares, or another split.")
    past, coming = past.of_users(both), coming.of_users(both)
    if shots is None:
        return Cases(past, coming)
    last = past.counts[past.user] - places(past) <= shots
    return Cases(past.where(last), coming, past.where(~last))


def _of_items(
    events: Events, old: np.ndarray[tuple[int], np.dtype[np.bool_]], items: Whole, shots: int, *, trained: bool
) -> Cases:  # fmt: skip
    """Users with `shots` events on old items and, after those, some on `items`.

    Args:
        events: of all who may have a case.
        old: `(N,)` which events are on items of the training part.
        items: the held-out ones.
        shots: support events.
        trained: whether events on old items are training events, so that they are known whenever they were.
    """
    known = events.where(old)
    support = known.where((places(known) < at_least("shots", shots, 1)) & (known.counts >= shots)[known.user])
    last = np.full(events.users, np.inf)  # of who has no case
    last[support.user] = -np.inf
    np.maximum.at(last, support.user, support.time)
    after = events.time >= last[events.user]
    asked = chosen(events.items, items)[events.item] & after
    query = events.where(asked)
    if not len(query):
        raise ConfigurationError(
            f"Nobody has {shots} events on items of the training part and one on the {len(items)} held-out items "
            "after them. Take fewer shots or a larger share."
        )
    users = np.unique(query.user)
    beside = events.where((~after | (old & trained)) & ~asked).of_users(users)
    return Cases(support.of_users(users), query, fresh(beside, support))
