"""Recommendation: does anything meta-learned beat biases, ridge and item kNN, on users that nobody has seen?

    python evidence/recommend.py

A row is one recommender and seed: fitted once, with what is to be chosen chosen at 10 support events (20 where ratings
are simulated), then judged at every number of support events. On MovieLens small the first K events of each held-out
user are known and all after the 20th are predicted, so every K predicts the same rows; seed s trains with seed s and
holds a fifth of the users out that no other seed does, so that seeds pool to different users. What is learned on users
as tasks is fitted twice there: to ratings, which gives the errors, and to rankings, which gives the places in the
catalogue. The simulator's rows are at three noise levels, with the oracle; each seed has a world of its own. What is
learned first tries as many settings as an opponent, for each table and goal, on validation users who are test users of
no seed. `--tables simulated` makes the simulator's rows alone.

Rows are written to results/recommend.json when they are done and never computed again; what each user got is kept in
the folder of runs, and the statistics over pooled users and the verdicts are made from that at the end.
Needs $INNERLOOP_DATA.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _grid import add, grid
from _user_settings import SIMULATED, SIMULATED_OPPONENTS, TRIAL_STEPS, TRIALS
from _user_statistics import JUDGED, UNADAPTED, kept, statistics

from innerloop.errors import TrainingError
from innerloop.files import read_json
from innerloop.recommend import (
    LEARNED,
    NOISES,
    RECOMMENDERS,
    Cases,
    Dataset,
    Oracle,
    Personalised,
    Recommender,
    Simulator,
    Split,
    Tuned,
    evaluate_recommender,
    leave_users_out,
    movielens,
)
from innerloop.recommend import grid as combinations
from innerloop.recommend._evaluate import ERRORS

OUT = Path("results/recommend.json")
SHOTS, LONGEST = (5, 10, 20), 20
TUNED_AT = 10
FOLDS = (0, 2, 3)
"""The fifth of the users that is held out, for each seed."""
CHOSEN_ON = 0
"""The fold on whose validation users the library's own settings were chosen (`user_settings`, `_user_settings`). A
fold's validation users are test users of the next one, so that one is left out of `FOLDS`."""
TUNED_ON = FOLDS[-1]
"""The fold whose validation users settings are chosen on: nobody's test users, as no fold after it is used."""
NEVER_RANKED = ("melu", "learned_bias")
"""What is fitted to ratings alone: rankings say nothing about MeLU's steps, and biases rank by popularity."""


def goals(data: str, method: str) -> tuple[str, ...]:
    """What a recommender is fitted to."""
    ranked = data == "movielens" and method in LEARNED and method not in NEVER_RANKED
    return ("ratings", "ranking") if ranked else ("ratings",)


def world(data: str, folder: str, users: int, seed: int) -> tuple[Dataset, Recommender | None]:
    """A table and who knows the truth about it: "movielens", or "simulated" with a noise level."""
    if data == "movielens":
        return movielens(folder).dataset, None
    simulator = Simulator(users=users, noise=float(data.removeprefix("simulated ")), seed=seed)
    return simulator.dataset(), Oracle(simulator)


def tune(
    data: str, method: str, goal: str, *, users: int, folder: str = "", changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The setting in `TRIALS` that is best for validation users who are in no test, and what each trial gave.

    Args:
        data: the table; a simulated one is a world of its own.
        method: the recommender.
        goal: what it is fitted to.
        users: of the simulator.
        folder: of MovieLens small.
        changes: other settings, to try the script in small.
    """
    dataset, _ = world(data, folder, users, len(FOLDS))
    real = data == "movielens"
    kind = goal if real else "simulated"
    split = _split(dataset, TUNED_AT if real else LONGEST, TUNED_ON)
    own = {} if real else SIMULATED[method]
    make = partial(
        RECOMMENDERS[method], item_features=dataset.item_features, user_features=dataset.user_features, seed=TUNED_ON,
        metric=None if real else JUDGED, **{**own, "goal": goal, "steps": TRIAL_STEPS[kind], **(changes or {})},
    )  # fmt: skip
    start = time.perf_counter()
    tuned = Tuned(make, combinations(**TRIALS[kind][method]), None if real else JUDGED)
    tuned.fit(split.train, split.validation)
    return {
        "setting": dict(tuned.setting), "tried": _tried(tuned.tried), "steps": make.keywords["steps"],
        "users": len(split.validation.users), "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def row(
    data: str, method: str, seed: int, *, folder: str, runs: str, users: int, changes: dict[str, Any] | None = None,
    tuned: dict[tuple[str, str, str], dict[str, Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One recommender, fitted and judged; what each user got is kept in `runs`. Or what was said when it diverged.

    Args:
        data: the table.
        method: the recommender.
        seed: of the training and of a simulated world, and which of `FOLDS` is held out.
        folder: of MovieLens small.
        runs: where each user's values are kept.
        users: of the simulator.
        changes: other settings of what is learned, to try the script in small.
        tuned: what `tune` gave, by table, method and goal.
    """
    dataset, oracle = world(data, folder, users, seed)
    real = data == "movielens"
    splits = {shots: _split(dataset, shots, FOLDS[seed]) for shots in (SHOTS if real else (LONGEST,))}
    chosen_at = splits[TUNED_AT if real else LONGEST]
    features = {"item_features": dataset.item_features, "user_features": dataset.user_features}
    values: dict[int, dict[str, Any]] = {shots: {} for shots in splits}
    written: dict[str, Any] = {"fit_seconds": {}, "settings": {}, "done": {}, "tried": {}}
    if method in LEARNED:
        known = _split(dataset, LONGEST, CHOSEN_ON).validation.users
        written["known_to_settings"] = len(np.intersect1d(known, chosen_at.test.users))
    for goal in goals(data, method):
        trials = (tuned or {}).get((data, method, goal), {})
        more: dict[str, Any] = {}
        if method in LEARNED:
            own = {} if real else SIMULATED[method]
            more = {**own, **trials.get("setting", {}), **(changes or {}), "goal": goal}
        elif not real and method in SIMULATED_OPPONENTS:
            more = {"settings": combinations(**SIMULATED_OPPONENTS[method])}
        metric = None if real else JUDGED
        model = oracle if method == "oracle" else RECOMMENDERS[method](**features, **more, metric=metric, seed=seed)
        start = time.perf_counter()
        try:
            model.fit(chosen_at.train, chosen_at.validation)
        except TrainingError as error:  # with what was chosen in shorter trainings; nothing else takes its place
            return {"name": model.name, "family": model.family, "diverged": str(error)}
        written["fit_seconds"][goal] = round(time.perf_counter() - start, 2)
        written["settings"][goal] = setting_of(getattr(model, "setting", {}))
        if isinstance(model, Personalised):
            written["done"][goal] = {name: getattr(model.done, name) for name in ("steps", "best_step", "best")}
        written["tried"][goal] = trials.get("tried", []) + _tried(getattr(model, "tried", ()))
        if method in LEARNED and goal == "ratings":
            written["moved"] = moved(model, chosen_at.test)
        for shots, split in splits.items():
            found = evaluate_recommender(model, split.test, name=data)
            values[shots] |= found.values | {"users": found.users}
            if method in NEVER_RANKED and real:
                values[shots] = {name: each for name, each in values[shots].items() if name in (*ERRORS, "users")}
            if method == "melu":
                unadapted = evaluate_recommender(model, _forgotten(split.test))
                values[shots][UNADAPTED] = unadapted.values["absolute error"]
            written |= {"name": model.name, "family": model.family, "source": found.source, "about": found.about}
    for shots, own in values.items():
        place = kept(runs, data, shots, method, seed)
        place.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(place, **own)
    means = {
        str(shots): {name: round(float(np.nanmean(each)), 6) for name, each in own.items() if name != "users"}
        for shots, own in values.items()
    }
    return {**written, "means": means}


def _has_row(data: str, method: str) -> bool:
    """Whether a method has a row: who knows the truth has none on MovieLens, who only ranks none where errors count."""
    if data == "movielens":
        return method != "oracle"
    return method == "oracle" or RECOMMENDERS[method]().predicts_ratings


def _split(dataset: Dataset, shots: int, fold: int) -> Split:
    return leave_users_out(dataset.events, shots=shots, longest=LONGEST, test=0.2, fold=fold)


def _tried(trials: Iterable[tuple[Any, float]]) -> list[list[Any]]:
    """Settings and what they gave, in plain values; None where training diverged."""
    return [[setting_of(one), round(value, 6) if np.isfinite(value) else None] for one, value in trials]


def moved(model: Recommender, cases: Cases) -> float:
    """Mean change of a prediction for a query event by the support events: 0 where nothing is adapted."""
    return round(float(np.abs(model.predict(cases) - model.predict(_forgotten(cases))).mean()), 6)


def _forgotten(cases: Cases) -> Cases:
    return Cases(cases.support.where(np.zeros(len(cases.support), bool)), cases.query)


def setting_of(setting: Any) -> dict[str, Any]:
    """A mapping or a dataclass as plain values."""
    return dataclasses.asdict(setting) if dataclasses.is_dataclass(setting) else dict(setting)


def main() -> None:
    """Computes the rows that are missing, and the statistics over all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*RECOMMENDERS, "oracle"]
    simulated = [f"simulated {noise}" for noise in NOISES]
    worlds = ["movielens", *simulated]
    parser.add_argument("--methods", nargs="+", default=names, choices=names)
    parser.add_argument("--tables", nargs="+", default=worlds, choices=[*worlds, "simulated"],
                        help='"simulated" is all levels of noise')  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(len(FOLDS))), choices=range(len(FOLDS)))
    parser.add_argument("--users", type=int, default=Simulator.users, help="of the simulator")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--data", default=None, help="None: $INNERLOOP_DATA/movielens-latest-small")
    parser.add_argument("--runs", default="runs/recommend", help="where each user's values are kept")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    folder = given.data or os.path.join(os.environ["INNERLOOP_DATA"], "movielens-latest-small")
    head = {
        "command": "python evidence/recommend.py",
        "longest": LONGEST,
        "device": "cpu",
        "simulated_users": given.users,
    }
    wanted = [data for name in given.tables for data in (simulated if name == "simulated" else [name])]
    trials = [
        (data, method, goal)
        for data in dict.fromkeys(wanted)
        for method in given.methods
        if method in LEARNED
        for goal in goals(data, method)
    ]
    compute = partial(tune, users=given.users, folder=folder)
    found = grid(given.out, head, trials, compute, key="tuned", processes=given.processes)
    tuned = {cell: one for cell, one in zip(trials, found, strict=True)}
    cells = [
        (data, method, seed)
        for data in dict.fromkeys(wanted)
        for seed in given.seeds
        for method in given.methods
        if _has_row(data, method)
    ]
    grid(
        given.out, head, cells,
        partial(row, folder=folder, runs=given.runs, users=given.users, tuned=tuned), processes=given.processes,
    )  # fmt: skip
    add(given.out, {"pooled": statistics(read_json(given.out)["rows"], given.runs)})


if __name__ == "__main__":
    main()
