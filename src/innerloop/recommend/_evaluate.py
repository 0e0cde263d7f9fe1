"""Judges a recommender on cases: errors of ratings, and places in the whole catalogue."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import torch

from innerloop.counter import bits, fold
from innerloop.demands import at_least
from innerloop.errors import DataError, TrainingError
from innerloop.evaluation._evaluate import surroundings
from innerloop.recommend._cases import Cases
from innerloop.recommend._evaluation import RecommendationEvaluation
from innerloop.recommend._events import Events, Real, Whole, joined
from innerloop.recommend._metrics import hit_rate, ndcg, ranks
from innerloop.recommend._recommender import Recommender

RELEVANT = 4.0
"""A rating from which an item counts as liked, on a scale to 5: the usual choice, for instance of Liang et al. 2018,
"Variational autoencoders for collaborative filtering", section 4.1."""

ERRORS = ("absolute error", "root mean squared error")
AT_ONCE = 256
"""Users whose scores of all items are in memory at a time."""


def evaluate_recommender(
    recommender: Recommender,
    cases: Cases,
    *,
    k: int = 10,
    relevant: float = RELEVANT,
    name: str = "events",
    split: str = "test",
    sampled: int = 0,
    seed: int = 0,
) -> RecommendationEvaluation:
    """Scores all items for each user from their support events, and judges the query events by the scores.

    Errors are taken for each user over their query ratings and have no place for a recommender that only orders items.
    Ranking is over the whole catalogue without the user's support items and those of `Cases.seen`; relevant are query
    items with a rating of at least `relevant`, or all where events are implicit. Among items with equal scores the
    value is the mean over their orders: nothing looks at the truth.

    Args:
        recommender: fitted.
        cases: the users.
        k: how many items are recommended.
        relevant: least rating of a relevant item.
        name: of the data.
        split: which cases these are.
        sampled: also rank each relevant item among this many others, drawn at random from those that the user has no
            event with. Sampled metrics put systems in another order (Krichene and Rendle 2020, "On sampled metrics for
            item recommendation"), so they are named as what they are.
        seed: of that draw.

    Raises:
        ConfigurationError: if `k` is smaller than 1, or `sampled` than 0.
        DataError: if there is no case.
        TrainingError: if scores are not finite.

    >>> from innerloop.recommend.rivals import Popularity
    >>> train = Events.of([0, 0, 1], [0, 1, 1], users=3, items=3)
    >>> cases = Cases(Events.of([2], [0], users=3, items=3), Events.of([2], [1], users=3, items=3))
    >>> evaluate_recommender(Popularity().fit(train, cases), cases, k=1).mean("HR@1")
    1.0
    """
    at_least("k", k, 1)
    at_least("sampled", sampled, 0)
    start = time.perf_counter()
    users = cases.users
    if not len(users):
        raise DataError("There is no query event, so nobody to judge. Give cases with at least one.")
    errors = ERRORS if cases.query.explicit and recommender.predicts_ratings else ()
    names = [*errors, f"HR@{k}", f"nDCG@{k}"]
    if sampled:
        names += [f"sampled {metric}@{k} (1+{sampled})" for metric in ("HR", "nDCG")]
    rows = []
    for at in range(0, len(users), AT_ONCE):
        some = users[at : at + AT_ONCE]
        known, asked = cases.support.of_users(some), cases.query.of_users(some)
        met = joined(known, None if cases.seen is None else cases.seen.of_users(some))
        table = recommender.scores(known, some)
        if not np.isfinite(table).all():
            raise TrainingError(
                f"{recommender.name} gives scores that are not finite: its fit diverged. Take a smaller learning rate."
            )
        for user, scores in zip(some, table, strict=True):
            query, own = asked.history(user), np.unique(met.history(user).item)
            wanted = np.unique(query.liked(relevant).item)
            row = _errors(scores, query) if errors else []
            row += _places(scores, wanted, own, k)
            if sampled:
                row += _sampled(scores, wanted, np.union1d(own, query.item), k, sampled, seed, int(user))
            rows.append(row)
    columns = np.array(rows, dtype=np.float64).T
    return RecommendationEvaluation(
        name=recommender.name,
        family=recommender.family,
        values=dict(zip(names, columns, strict=True)),
        users=users,
        source={
            "name": name,
            "split": split,
            "queries": len(cases.query),
            "relevant": relevant,
            "fingerprint": _fingerprint(cases),
        },
        seconds=round(time.perf_counter() - start, 2),
        about=surroundings(torch.device("cpu")),
    )


def _errors(scores: Real, query: Events) -> list[float]:
    off = scores[query.item] - query.value
    return [float(np.abs(off).mean()), float(np.sqrt(np.square(off).mean()))]


def _places(scores: Real, wanted: Whole, seen: Whole, k: int) -> list[float]:
    if not len(wanted):
        return [np.nan, np.nan]
    found = ranks(scores, wanted, seen)
    return [hit_rate(found, k), ndcg(found, k)]


def _sampled(scores: Real, wanted: Whole, own: Whole, k: int, count: int, seed: int, user: int) -> list[float]:
    """Mean over the relevant items of their metrics among `count` others."""
    others = np.delete(np.arange(len(scores)), own)
    if not len(wanted):
        return [np.nan, np.nan]
    if len(others) < count:
        raise DataError(f"User {user} has no event with {len(others)} items; {count} cannot be drawn. Sample fewer.")
    found = []
    for item in wanted:
        keys = bits(fold(seed, user, int(item)), torch.from_numpy(others)).numpy()
        drawn = others[np.argpartition(keys, count - 1)[:count]]
        found.append(_places(np.append(scores[item], scores[drawn]), np.array([0]), np.array([], dtype=np.int64), k))
    return [float(np.mean(column)) for column in zip(*found, strict=True)]


def _fingerprint(cases: Cases) -> str:
    """Tells cases apart: rows are compared where they predict the same events, beside the same seen ones."""
    digest = hashlib.sha256()
    seen = () if cases.seen is None else (cases.seen.user, cases.seen.item)
    for column in (cases.query.user, cases.query.item, cases.query.value, *seen):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:16]
