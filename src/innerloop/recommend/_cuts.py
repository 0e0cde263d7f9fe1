"""What every split is made of: places in a history, parts of a population, and the promises that are checked."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from innerloop.demands import at_least, between
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._cases import Cases, Split, _members
from innerloop.recommend._events import Events, Real, Whole
from innerloop.sources._base import shuffled


def places(events: Events) -> Whole:
    """`(N,)` place of each event in its user's history, from 0.

    >>> places(Events.of([1, 0, 1], [0, 1, 2], users=2, items=3)).tolist()
    [0, 0, 1]
    """
    return np.arange(len(events), dtype=np.int64) - events.starts[events.user]


def fresh(events: Events, *known: Events) -> Events:
    """The events whose user and item occur together in none of `known`: to consume again is not to be predicted."""
    kept = np.ones(len(events), bool)
    for others in known:
        kept &= ~_members(events, others)
    return events.where(kept)


def first_of_pairs(events: Events) -> Events:
    """Each user and item together once: the first event of theirs."""
    _, first = np.unique(events.user * events.items + events.item, return_index=True)
    kept = np.zeros(len(events), bool)
    kept[first] = True
    return events.where(kept)


def begun(events: Events, shots: int, longest: int | None) -> Cases:
    """Each user's first `shots` events as support, those after the first `longest` as query, and those between as seen.

    Users without an event after the first `longest` have no case.

    Raises:
        ConfigurationError: if nobody has, or `longest` is smaller than `shots`.
    """
    limit = at_least("longest", shots if longest is None else longest, at_least("shots", shots, 0))
    once = first_of_pairs(events)
    place, enough = places(once), (once.counts > limit)[once.user]
    if not enough.any():
        raise ConfigurationError(
            f"None of the {len(np.unique(events.user))} users here has more than {limit} events, of which something "
            "would be left to predict. Take fewer shots, or more users."
        )
    known, asked = place < shots, place >= limit
    between = once.where(enough & ~known & ~asked) if limit > shots else None
    return Cases(once.where(enough & known), once.where(enough & asked), between)


def population(
    names: list[str], validation: float, test: float, seed: int, fold: int
) -> tuple[Whole, Whole, Whole]:  # fmt: skip
    """Places of the names that are for training, validation and test.

    Depends on the names and the seed alone. Test parts of folds 0, 1, ... share nothing.

    Raises:
        ConfigurationError: if the shares leave nothing for one of the parts, or there is no such fold.
    """
    validation, test = between("validation", validation, 0.1), between("test", test, 0.1)
    order = np.array(shuffled(names, seed), dtype=np.int64)
    tested, chosen = max(1, round(test * len(order))), max(1, round(validation * len(order)))
    if tested + chosen >= len(order):
        raise ConfigurationError(
            f"With validation={validation} and test={test} nothing of {len(order)} is left to train on. Take smaller "
            "shares."
        )
    if not 0 <= fold < len(order) // tested:
        raise ConfigurationError(
            f"There are {len(order) // tested} folds of a share of {test}, from 0; got fold={fold}. Take one of them."
        )
    order = np.roll(order, -fold * tested)
    return tuple(np.sort(part) for part in np.split(order[::-1], [len(order) - tested - chosen, len(order) - tested]))  # type: ignore[return-value]


def by_arrival(events: Events, column: Literal["user", "item"]) -> tuple[Whole, Real]:
    """Users (items) with an event, in the order of their first one, and the time of everybody's first one.

    >>> by_arrival(Events.of([0, 2, 2], [0, 0, 1], time=[5, 4, 6], users=3, items=2), "user")
    (array([2, 0]), array([ 5., inf,  4.]))
    """
    arrivals = np.full(getattr(events, column + "s"), np.inf)
    np.minimum.at(arrivals, getattr(events, column), events.time)
    there = np.flatnonzero(np.isfinite(arrivals))
    return there[np.argsort(arrivals[there], kind="stable")], arrivals


def chosen(count: int, numbers: Whole) -> NDArray[np.bool_]:
    """`(count,)`: which numbers are among some."""
    mask = np.zeros(count, bool)
    mask[numbers] = True
    return mask


def demand_no_leak(split: Split, *, cut: float | None = None, ordered: bool = True) -> Split:
    """`split`, if nothing in it tells what is to be predicted.

    A recommender knows the training events and a user's support events, and whatever it computes as a feature it
    computes from them: if these hold no query row and nothing later than it may be, no feature does.

    Args:
        split: training events and cases.
        cut: time that every training event must lie before; None: training events are of any time.
        ordered: whether each user's support events must not be later than any query event of theirs.

    Raises:
        DataError: if a query row is in the training set or a support set (a validation query row may be in the test
            support, which is later); a row is in both query sets; a training event is not before the cut; or a support
            event is later than a query event of the same user.
    """
    named = {"validation": split.validation, "test": split.test}
    supports = {f"{name} support": cases.support for name, cases in named.items()}
    for name, cases in named.items():
        known_to = {"training": split.train, **supports}
        if name == "validation":  # what is asked in choosing may be known by the time of the test
            del known_to["test support"]
        for where, known in known_to.items():
            if leaked := int(_members(cases.query, known).sum()):
                raise DataError(f"{leaked} {name} query events are among the {where} events: same user and item.")
        if ordered and (user := _first_in_disorder(cases)) is not None:
            raise DataError(f"User {user} has a {name} support event that is later than a query event of theirs.")
    if shared := int(_members(split.test.query, split.validation.query).sum()):
        raise DataError(f"{shared} test query events are validation query events too: same user and item.")
    if cut is not None and (late := int((split.train.time >= cut).sum())):
        raise DataError(f"{late} training events are not before the cut at time {cut}.")
    return split


def _first_in_disorder(cases: Cases) -> int | None:
    last = np.full(cases.support.users, -np.inf)
    np.maximum.at(last, cases.support.user, cases.support.time)
    wrong = cases.query.time < last[cases.query.user]
    return int(cases.query.user[wrong][0]) if wrong.any() else None
