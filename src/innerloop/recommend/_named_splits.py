"""Splits of published systems, as they were meant, each with its flaws named."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import torch

from innerloop.counter import bits, fold
from innerloop.errors import ConfigurationError
from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._cuts import by_arrival, chosen, demand_no_leak, first_of_pairs, fresh, population
from innerloop.recommend._events import Events, Whole

Scenario = Literal["warm", "user-cold", "item-cold", "both"]
"""Known items for known users; known items for new users; new items for known users; new items for new users."""

LEAST, MOST, QUERIES = 13, 100, 10
"""Ratings that a user may have, and how many of them are predicted, in both protocols: the preprocessing of
hoyeoplee/MeLU and the configuration files of RUCAIBox/RecBole-MetaRec."""


def melu(events: Events, scenario: Scenario, *, new: float = 0.2, seed: int = 0) -> Split:
    """One of MeLU's four scenarios: users and items that came late are new ones.

    Users with 13 to 100 ratings in the scenario are judged: 10 ratings of theirs, drawn at random, are the query set,
    all the others the support set. Flaws that belong to the protocol:

    - "cold" users are not cold: up to 90 support ratings.
    - support and query are dealt at random, not by time, so a system sees what the user did later.
    - ranking is judged among the user's own ten query ratings, never against the catalogue (`ndcg_among_rated`).
    - of the published numbers, those for known users and items were measured on the training file itself in the most
      used reimplementation. Here the query ratings of "warm" are taken out of training, and validation is a tenth of
      the known users, which the original does without.

    Args:
        events: ratings.
        scenario: which of the four.
        new: share of users, and of items, that are new: those with the latest first event.
        seed: of the query ratings.

    Raises:
        ConfigurationError: if there is no such scenario, or nobody in it has 13 to 100 ratings.

    Source: Lee et al. 2019, "MeLU: meta-learned user preference estimator for cold-start recommendation"; the code is
    hoyeoplee/MeLU.
    """
    if scenario not in get_args(Scenario):
        raise ConfigurationError(f"scenario is one of {', '.join(get_args(Scenario))}; got {scenario!r}.")
    once = first_of_pairs(events)
    user, item = (_late(once, column, new) for column in ("user", "item"))
    known = once.where(~user[once.user] & ~item[once.item])
    new_user, new_item = scenario in ("user-cold", "both"), scenario in ("item-cold", "both")
    there = once.where((user[once.user] == new_user) & (item[once.item] == new_item))
    eligible = _eligible(known)
    _, tried, tested = (eligible[part] for part in population([f"user {u}" for u in eligible], 0.1, 0.1, seed, 0))
    if scenario != "warm":
        tested = _eligible(there)
    validation = _ten_at_random(known.of_users(tried), seed)
    test = _ten_at_random(there.of_users(tested), seed)
    # known users have training events beside those on new items
    test = replace(test, seen=fresh(known.of_users(tested), test.support, test.query))
    return demand_no_leak(Split(fresh(known, validation.query, test.query), validation, test), ordered=False)


def recbole(events: Events, *, seed: int = 0) -> Split:
    """RecBole-MetaRec's protocol: users with 13 to 100 ratings, dealt 8:1:1; 10 random ratings of each are the query.

    Flaws that belong to it:

    - a user's five best of the ten query ratings are the relevant ones, so any order at all has a precision at 5 of
      0.5 and a hit rate at 5 of 251/252.
    - not by time, not against the catalogue, and 3 to 90 support ratings, as in `melu`.
    - few users are left to be judged (59 of MovieLens 100K), so differences below .04 in precision are noise.

    Args:
        events: ratings.
        seed: of who is where, and of the query ratings.

    Raises:
        ConfigurationError: if nobody has 13 to 100 ratings.

    Source: the protocol of RUCAIBox/RecBole-MetaRec, 2022.
    """
    once = first_of_pairs(events)
    eligible = _eligible(once)
    train, *held = (eligible[part] for part in population([f"user {u}" for u in eligible], 0.1, 0.1, seed, 0))
    cases = (_ten_at_random(once.of_users(users), seed) for users in held)
    return demand_no_leak(Split(once.of_users(train), *cases), ordered=False)


def _late(events: Events, column: Literal["user", "item"], share: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which users or items came last."""
    order, arrivals = by_arrival(events, column)
    return chosen(len(arrivals), order[len(order) - round(share * len(order)) :])


def _eligible(events: Events) -> Whole:
    found = np.flatnonzero((events.counts >= LEAST) & (events.counts <= MOST))
    if len(found) < 3:
        raise ConfigurationError(
            f"{len(found)} users have {LEAST} to {MOST} ratings here; the protocol needs three at least. Take more "
            "events, or another split."
        )
    return found


def _ten_at_random(events: Events, seed: int) -> Cases:
    """Ten events of each user as query; which ones depends on user, item and seed alone."""
    keys = fold(seed, torch.from_numpy(events.user), torch.from_numpy(events.item))
    order = np.lexsort((bits(keys).numpy(), events.user))
    query = np.zeros(len(events), bool)
    query[order] = np.arange(len(events)) - events.starts[events.user[order]] < QUERIES
    return Cases(events.where(~query), events.where(query))
