"""What the rows of evidence/recommend.py say together: their users pooled, differences in pairs, verdicts in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from innerloop.errors import DataError
from innerloop.evaluation import paired_difference
from innerloop.recommend import RecommendationEvaluation, compare_recommenders

RIVALS = {
    "absolute error": ("user_item_bias", "learned_bias", "ridge_on_factors", "learned_ridge", "global"),
    "nDCG@10": ("item_knn", "learned_ridge", "popularity"),
}
"""Whom every row is compared with, in pairs."""
JUDGED = "root mean squared error"
"""What simulated tables are judged by, and settings and weights chosen by there."""
SIMULATED_RIVALS = {JUDGED: ("oracle", "user_item_bias", "ridge_on_factors", "learned_ridge")}
UNADAPTED = "absolute error without events"
"""Of MeLU's steps: the error of the same network, were the user's events not known."""


def kept(runs: str, data: str, shots: int, method: str, seed: int) -> Path:
    """Where a row's users are."""
    return Path(runs) / f"{data.replace(' ', '-')}-{shots}-{method}-{seed}.npz"


def pooled(rows: list[dict[str, Any]], shots: int, runs: str) -> dict[str, RecommendationEvaluation]:
    """The rows of one table at one number of shots, by method; the users of all seeds in one list.

    Only methods that have every seed that any has.

    Raises:
        DataError: if what a row's users got is not in the folder of runs, or the rows of a method were made in
            different ways.
    """
    by_method: dict[str, dict[int, dict[str, Any]]] = {}
    for one in rows:
        by_method.setdefault(one["cell"][1], {})[one["cell"][2]] = one
    seeds = sorted({seed for found in by_method.values() for seed in found})
    result = {}
    for method, found in by_method.items():
        if len(found) < len(seeds):
            continue
        if any(made_by(found[seed]) != made_by(found[seeds[0]]) for seed in seeds):
            raise DataError(f"The rows of {method} differ in family or settings. Remove those that an older code made.")
        places = [kept(runs, found[seed]["cell"][0], shots, method, seed) for seed in seeds]
        if missing := [str(place) for place in places if not place.exists()]:
            raise DataError(f"{missing[0]} is not there, though its row is. Remove the row, so that it is made again.")
        parts = [np.load(place) for place in places]
        first = found[seeds[0]]
        result[method] = RecommendationEvaluation(
            method, first["family"],
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files if name != "users"},
            np.concatenate([part["users"] for part in parts]),
            {**first["source"], "fingerprint": [found[seed]["source"]["fingerprint"] for seed in seeds]},
            0.0, first["about"],
        )  # fmt: skip
    return result


def made_by(one: dict[str, Any]) -> list[Any]:
    """What rows that are pooled have in common: the family, what is tried, and all settings but those and the seed."""
    made = [one["family"]]
    for goal, setting in one["settings"].items():
        tried = [each for each, _ in one["tried"][goal]]
        free = {"seed", *(name for each in tried for name in each)}
        made += [goal, tried, {name: value for name, value in setting.items() if name not in free}]
    return made


def statistics(rows: list[dict[str, Any]], runs: str) -> list[dict[str, Any]]:
    """For each table, number of shots and method: means over all users, differences in pairs, verdicts in words.

    A method that diverged with one of the seeds has none.
    """
    rows = [one for one in rows if "diverged" not in one]
    found = []
    for data, shots in dict.fromkeys((one["cell"][0], int(shots)) for one in rows for shots in one["means"]):
        own = [one for one in rows if one["cell"][0] == data]
        table = pooled(own, shots, runs)
        rivals = RIVALS if data == "movielens" else SIMULATED_RIVALS
        for method, one in table.items():
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
            if UNADAPTED in one.values:
                mean, low, high = paired_difference(one.values["absolute error"], one.values[UNADAPTED])
                against["absolute error: unadapted"] = {
                    "difference": round(mean, 6), "low": round(low, 6), "high": round(high, 6)
                }  # fmt: skip
            found.append({
                "data": data, "shots": shots, "method": method, "family": one.family, "users": len(one.users),
                "metrics": one.to_json()["metrics"], "seeds": spread(own, shots, method), "against": against,
            })  # fmt: skip
    return found


def spread(rows: list[dict[str, Any]], shots: int, method: str) -> dict[str, list[float]]:
    """Means of the single seeds."""
    own = [one["means"][str(shots)] for one in rows if one["cell"][1] == method]
    return {metric: [one[metric] for one in own] for metric in own[0]}
