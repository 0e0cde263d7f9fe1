"""Onboarding: do items chosen by expected reduction of variance say more of a new user than popular or random ones?

    python evidence/onboarding.py

In the simulator's world, at its middle noise, the ridge on learned factors is fitted to the training users. Held-out
users arrive, are asked about 3, 5 or 10 items and answer all of them as they would rate them, noise included; then
their ratings of items are predicted that none of the three choices has asked them about, so that all choices predict
the same ratings. Random items are drawn for each user anew from those that onboarding chooses from. Each seed holds
another fifth of the users out, none of whom the settings were chosen on; users of all seeds are pooled.

Differences are paired, user by user, with the interval of a bootstrap. p is that of a sign-flip test, two-sided: how
often the mean difference is as large when each user's sign is tossed (Good 2005, "Permutation, parametric and bootstrap
tests of hypotheses", section 3.2).

A fit is not computed again while its row is in results/onboarding.json and its users are in the folder of runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _grid import add, grid
from _user_settings import SIMULATED
from _user_statistics import JUDGED

from innerloop.errors import DataError
from innerloop.evaluation import interval, paired_difference
from innerloop.outer._run import provenance
from innerloop.recommend import NOISES, RECOMMENDERS, Events, Simulator, leave_users_out, onboarding
from innerloop.recommend._onboarding import LEAST_EVENTS, Array
from innerloop.recommend._simulator import MEAN
from recommend import FOLDS, LONGEST

OUT = Path("results/onboarding.json")
QUESTIONS = (3, 5, 10)
CHOICES = ("onboarding", "popular", "random")
NOISE = NOISES[1]
TOSSES = 10_000


def fitted(seed: int, *, users: int, runs: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """One ridge, and the error of each held-out user after each set of questions, which is kept in `runs`.

    Args:
        seed: of the world, the training and the answers, and which of `FOLDS` is held out.
        users: of the simulator.
        runs: where each user's errors are kept.
        changes: other settings of the ridge, to try the script in small.
    """
    begun = time.perf_counter()
    world = Simulator(users=users, noise=NOISE, seed=seed)
    dataset = world.dataset()
    split = leave_users_out(dataset.events, shots=LONGEST, longest=LONGEST, test=0.2, fold=FOLDS[seed])
    settings = {**SIMULATED["learned_ridge"], **(changes or {})}
    model = RECOMMENDERS["learned_ridge"](item_features=dataset.item_features, metric=JUDGED, seed=seed, **settings)
    model.fit(split.train, split.validation)
    new = split.test.users
    rng = np.random.default_rng(seed)
    truth = ratings(world, new, rng)
    counts = np.bincount(split.train.item, minlength=world.items)
    allowed = np.flatnonzero(counts >= LEAST_EVENTS)
    errors, asked = {}, {}
    for questions in QUESTIONS:
        chosen = {
            "onboarding": np.tile(onboarding(model, questions), (len(new), 1)),
            "popular": np.tile(np.argsort(-counts, kind="stable")[:questions], (len(new), 1)),
            "random": np.stack([rng.choice(allowed, questions, replace=False) for _ in new]),
        }
        open_to = np.ones(truth.shape, bool)
        for items in chosen.values():
            np.put_along_axis(open_to, items, False, axis=1)
        for choice, items in chosen.items():
            off = np.where(open_to, model.scores(answers(world, new, items, truth), new) - truth, 0)
            errors[f"{questions} {choice}"] = np.sqrt(np.square(off).sum(1) / open_to.sum(1))
        asked[str(questions)] = chosen["onboarding"][0].tolist()
    place = kept(runs, seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place, **errors)
    return {
        "seconds": round(time.perf_counter() - begun, 2), "settings": settings, "users": len(new), "asked": asked,
        "rmse": {name: round(float(each.mean()), 6) for name, each in errors.items()},
    }  # fmt: skip


def ratings(world: Simulator, users: np.ndarray[Any, np.dtype[np.int64]], rng: np.random.Generator) -> Array:
    """`(users, items)` what users would rate every item on arrival, noise included."""
    own = world.tastes(users)
    expected = MEAN + own[:, :1] + world.truth.quality + own[:, 1:] @ world.truth.factors.T
    found: Array = expected + world.noise * rng.standard_normal(expected.shape)
    return found


def answers(
    world: Simulator, users: np.ndarray[Any, np.dtype[np.int64]], items: np.ndarray[Any, np.dtype[np.int64]],
    truth: Array,
) -> Events:  # fmt: skip
    """The ratings of the items `(users, questions)` as events."""
    who = np.repeat(users, items.shape[1])
    given = np.take_along_axis(truth, items, axis=1)
    when = np.tile(np.arange(items.shape[1]), len(users))
    return Events.of(who, items.ravel(), given.ravel(), when, users=world.users, items=world.items)


def sign_flip(difference: Array, tosses: int = TOSSES) -> float:
    """Two-sided p of a mean of zero: the share of tosses of the signs whose mean is as far from it.

    >>> sign_flip(np.ones(20)) < 0.001
    True
    """
    rng = np.random.default_rng(0)
    bound = abs(difference.sum()) * (1 - 1e-12)  # the same number in another order of summing
    extreme = sum(
        int((np.abs(rng.choice((-1.0, 1.0), (100, len(difference))) @ difference) >= bound).sum())
        for _ in range(tosses // 100)
    )
    return (1 + extreme) / (1 + tosses // 100 * 100)


def kept(runs: str, seed: int) -> Path:
    """Where the users' errors of a seed are."""
    return Path(runs) / f"onboarding-{seed}.npz"


def statistics(seeds: list[int], runs: str) -> dict[str, list[dict[str, Any]]]:
    """Means over the users of all seeds, and paired differences of onboarding and the others.

    Raises:
        DataError: if the users of a seed are not in the folder of runs.
    """
    for seed in seeds:
        if not kept(runs, seed).exists():
            raise DataError(
                f"{kept(runs, seed)} is not there, though its row is. Remove the row, so that it is made again."
            )
    parts = [np.load(kept(runs, seed)) for seed in seeds]
    errors = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}
    rows, paired = [], []
    for questions in QUESTIONS:
        for choice in CHOICES:
            mean, half = interval(errors[f"{questions} {choice}"])
            rows.append(
                {"items": questions, "choice": choice, "rmse": {"mean": round(mean, 6), "half": round(half, 6)}}
            )
        for other in CHOICES[1:]:
            pair = errors[f"{questions} onboarding"], errors[f"{questions} {other}"]
            found = paired_difference(*pair)
            paired.append({
                "items": questions, "against": other, "difference": round(found.mean, 6), "low": round(found.low, 6),
                "high": round(found.high, 6), "p": round(sign_flip(pair[0] - pair[1]), 6),
            })  # fmt: skip
    return {"rows": rows, "paired": paired}


def main() -> None:
    """Computes the fits that are missing, and the statistics over the users of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(len(FOLDS))), choices=range(len(FOLDS)))
    parser.add_argument("--users", type=int, default=Simulator.users, help="of the simulator")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--runs", default="runs/onboarding", help="where each user's errors are kept")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    head = {
        "command": " ".join(["python evidence/onboarding.py", *sys.argv[1:]]), "device": "cpu",
        "noise": NOISE, "simulated_users": given.users,
        "seeds": given.seeds, "tosses": TOSSES,
    }  # fmt: skip
    cells = [(seed,) for seed in given.seeds]
    compute = partial(fitted, users=given.users, runs=given.runs)
    fits = grid(given.out, head, cells, compute, key="fits", processes=given.processes)
    about = {
        "provenance": provenance(), "wall_seconds": round(sum(one["seconds"] for one in fits), 1),
        "users": sum(one["users"] for one in fits),
    }  # fmt: skip
    add(given.out, {**head, **statistics(given.seeds, given.runs), **about})


if __name__ == "__main__":
    main()
