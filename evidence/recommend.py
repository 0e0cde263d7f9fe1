"""Recommendation: does anything meta-learned beat biases, ridge and item kNN, on users that nobody has seen?

    python evidence/recommend.py

A row is one recommender, number of support events and seed. On MovieLens small the first K events of each held-out user
are known and all after the 20th are predicted, so every K predicts the same rows; seed s trains with seed s and holds
the s-th fifth of the users out, so that seeds pool to different users. The simulator's rows are at three noise levels,
with the oracle. Rows are written to results/recommend.json when they are done and never computed again; what each user
got is kept in the folder of runs, and the statistics over pooled users and the verdicts are made from that at the end.
Needs $INNERLOOP_DATA.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _grid import grid, write

from innerloop.errors import DataError
from innerloop.files import read_json
from innerloop.recommend import (
    NOISES,
    RECOMMENDERS,
    Dataset,
    Events,
    Features,
    Oracle,
    RecommendationEvaluation,
    Recommender,
    Simulator,
    compare_recommenders,
    evaluate_recommender,
    leave_users_out,
)

OUT = Path("results/recommend.json")
SHOTS, LONGEST = (5, 10, 20), 20
SEEDS = 3
RIVALS = {"absolute error": ("user_item_bias", "ridge_on_factors"), "nDCG@10": ("item_knn", "popularity")}
"""Whom every row is compared with, in pairs."""
SIMULATED_RIVALS = {"root mean squared error": ("oracle", "user_item_bias", "ridge_on_factors")}


def movielens_small(folder: str) -> Dataset:
    """The ratings of MovieLens small, without features."""
    rows = np.loadtxt(Path(folder) / "ratings.csv", delimiter=",", skiprows=1)
    user, item = (np.unique(column, return_inverse=True)[1] for column in rows[:, :2].T)
    events = Events.of(user, item, rows[:, 2], rows[:, 3], users=user.max() + 1, items=item.max() + 1)
    return Dataset(events, Features({}, events.items), Features({}, events.users))


def world(data: str, folder: str, users: int) -> tuple[Dataset, Recommender | None]:
    """A table and who knows the truth about it: "movielens", or "simulated" with a noise level."""
    if data == "movielens":
        return movielens_small(folder), None
    simulator = Simulator(users=users, noise=float(data.removeprefix("simulated ")))
    return simulator.dataset(), Oracle(simulator)


def row(data: str, shots: int, method: str, seed: int, *, folder: str, runs: str, users: int) -> dict[str, Any]:
    """One recommender, fitted and judged; what each user got is kept in `runs`."""
    dataset, oracle = world(data, folder, users)
    split = leave_users_out(dataset.events, shots=shots, longest=LONGEST, test=0.2, fold=seed)
    features = {"item_features": dataset.item_features, "user_features": dataset.user_features}
    model = oracle if method == "oracle" else RECOMMENDERS[method](**features, seed=seed)
    start = time.perf_counter()
    model.fit(split.train, split.validation)
    seconds = round(time.perf_counter() - start, 2)
    found = evaluate_recommender(model, split.test, name=data)
    place = kept(runs, data, shots, method, seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place, users=found.users, **found.values)
    tried = [[setting_of(setting), round(value, 6)] for setting, value in getattr(model, "tried", ())]
    return {
        **found.to_json(), "fit_seconds": seconds, "setting": setting_of(getattr(model, "setting", {})), "tried": tried,
    }  # fmt: skip


def setting_of(setting: Any) -> dict[str, Any]:
    """A mapping or a dataclass as plain values."""
    return dataclasses.asdict(setting) if dataclasses.is_dataclass(setting) else dict(setting)


def kept(runs: str, data: str, shots: int, method: str, seed: int) -> Path:
    """Where a row's users are."""
    return Path(runs) / f"{data.replace(' ', '-')}-{shots}-{method}-{seed}.npz"


def pooled(rows: list[dict[str, Any]], runs: str) -> dict[str, RecommendationEvaluation]:
    """The rows of one table and number of shots, by method; the users of all seeds in one list.

    Only methods that have every seed that any has.

    Raises:
        DataError: if what a row's users got is not in the folder of runs.
    """
    by_method: dict[str, dict[int, dict[str, Any]]] = {}
    for one in rows:
        by_method.setdefault(one["cell"][2], {})[one["cell"][3]] = one
    seeds = sorted({seed for found in by_method.values() for seed in found})
    result = {}
    for method, found in by_method.items():
        if len(found) < len(seeds):
            continue
        places = [kept(runs, *found[seed]["cell"]) for seed in seeds]
        if missing := [str(place) for place in places if not place.exists()]:
            raise DataError(f"{missing[0]} is not there, though its row is. Remove the row, so that it is made again.")
        parts = [np.load(place) for place in places]
        first = found[seeds[0]]
        result[method] = RecommendationEvaluation(
            method, first["family"],
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files if name != "users"},
            np.concatenate([part["users"] for part in parts]),
            {**first["source"], "fingerprint": [found[seed]["source"]["fingerprint"] for seed in seeds]},
            sum(found[seed]["evaluation_seconds"] for seed in seeds), first["about"],
        )  # fmt: skip
    return result


def statistics(rows: list[dict[str, Any]], runs: str) -> list[dict[str, Any]]:
    """For each table, number of shots and method: means over all users, differences in pairs, verdicts in words."""
    found = []
    for data, shots in dict.fromkeys((one["cell"][0], one["cell"][1]) for one in rows):
        table = pooled([one for one in rows if one["cell"][:2] == [data, shots]], runs)
        rivals = RIVALS if data == "movielens" else SIMULATED_RIVALS
        for method, one in table.items():
            written = one.to_json()
            against = {}
            for metric, names in rivals.items():
                if metric not in one.values:
                    continue
                compared = compare_recommenders(table, metric)
                for name in names:
                    if name == method or name not in compared.rows:
                        continue
                    mean, low, high = compared.difference(method, name)
                    ratio = one.mean(metric) / table[name].mean(metric)
                    against[f"{metric}: {name}"] = {
                        "difference": round(mean, 6), "low": round(low, 6), "high": round(high, 6),
                        "ratio": round(ratio, 4), "verdict": compared.verdict(method, name),
                    }  # fmt: skip
            seeds = spread(rows, data, shots, method)
            found.append({
                "data": data, "shots": shots, "method": method, "family": one.family, "users": len(one.users),
                "metrics": written["metrics"], "seeds": seeds, "against": against,
            })  # fmt: skip
    return found


def spread(rows: list[dict[str, Any]], data: str, shots: int, method: str) -> dict[str, list[float | None]]:
    """Means of the single seeds."""
    own = [one for one in rows if one["cell"][:3] == [data, shots, method]]
    return {metric: [one["metrics"][metric]["mean"] for one in own] for metric in own[0]["metrics"]}


def main() -> None:
    """Computes the rows that are missing, and the statistics over all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*RECOMMENDERS, "oracle"]
    worlds = ["movielens", *(f"simulated {noise}" for noise in NOISES)]
    parser.add_argument("--methods", nargs="+", default=names, choices=names)
    parser.add_argument("--tables", nargs="+", default=worlds, choices=worlds)
    parser.add_argument("--shots", nargs="+", type=int, default=list(SHOTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(SEEDS)))
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
    cells = [
        (data, shots, method, seed)
        for data in given.tables
        for shots in (given.shots if data == "movielens" else [LONGEST])
        for seed in given.seeds
        for method in given.methods
        if method != "oracle" or data != "movielens"
    ]
    grid(
        given.out, head, cells, partial(row, folder=folder, runs=given.runs, users=given.users),
        processes=given.processes,
    )  # fmt: skip
    content = read_json(given.out)
    write(given.out, {**content, "pooled": statistics(content["rows"], given.runs)})


if __name__ == "__main__":
    main()
