"""The result of judging a recommender: one value per user and metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from innerloop.errors import ConfigurationError, closest
from innerloop.evaluation import Comparison, Evaluation, Interval, comparison
from innerloop.evaluation import _words as words
from innerloop.evaluation._statistics import Values


@dataclass(frozen=True, eq=False)
class RecommendationEvaluation:
    """What a recommender does for a fixed list of users.

    Attributes:
        name: the recommender.
        family: its group in tables.
        values: `(users,)` of each metric: "absolute error" and "root mean squared error" of a user's query ratings,
            "HR@10" and "nDCG@10" over the whole catalogue without the support items; NaN for a user without a relevant
            query item. A sampled metric says so in its name.
        users: numbers of the users, ascending.
        source: what the cases are: name, split, number of query events, and a fingerprint of them.
        seconds: wall time.
        about: device, threads, versions.
    """

    name: str
    family: str
    values: dict[str, Values]
    users: np.ndarray[tuple[int], np.dtype[np.int64]]
    source: dict[str, Any]
    seconds: float
    about: dict[str, Any]

    def interval(self, metric: str) -> Interval:
        """Mean over users who have the metric, and the half-width of its 95 % interval.

        Raises:
            ConfigurationError: if there is no such metric.
        """
        return self.evaluation(metric).interval

    def mean(self, metric: str) -> float:
        """Mean over users who have the metric."""
        return self.interval(metric).mean

    def evaluation(self, metric: str) -> Evaluation:
        """One metric as an `Evaluation` whose tasks are users, for everything that compares evaluations.

        Users without the metric are left out; which ones depends on the cases alone, so pairs stay pairs.

        Raises:
            ConfigurationError: if there is no such metric.
        """
        if metric not in self.values:
            raise ConfigurationError(
                f"{self.name} has no {metric!r}; it has {', '.join(self.values)}.{closest(metric, list(self.values))}"
            )
        values = self.values[metric]
        values = values[~np.isnan(values)]
        source = {**self.source, "units": "users"}
        return Evaluation(
            self.name, metric, values, values, source, 0, norm="none", mapping="table", seconds=self.seconds,
            about=self.about,
        )  # fmt: skip

    def __str__(self) -> str:
        said = []
        for metric in self.values:
            found = self.evaluation(metric)
            said.append(f"{metric} {words.result(found.interval, found.higher_is_better)}")
        return f"{self.name}: {', '.join(said)} (95 % intervals over {len(self.users):,} users)"

    def to_json(self) -> dict[str, Any]:
        """Plain values: means, half-widths and the number of users of each metric, without the users' own."""
        metrics = {}
        for metric in self.values:
            mean, half = self.interval(metric)
            count = len(self.evaluation(metric).values)
            metrics[metric] = {
                "mean": round(mean, 6) if np.isfinite(mean) else None,
                "half": round(half, 6) if np.isfinite(half) else None,
                "users": count,
            }
        return {
            "name": self.name, "family": self.family, "metrics": metrics, "source": self.source,
            "evaluation_seconds": self.seconds, "about": self.about,
        }  # fmt: skip


def compare_recommenders(rows: dict[str, RecommendationEvaluation], metric: str) -> Comparison:
    """Puts evaluations of the same cases side by side in one metric: paired over users, with verdicts in words.

    Rows that do not have the metric, such as the absolute error of what only orders items, are left out.

    Raises:
        ConfigurationError: if no row has the metric, or they are of different cases.

    >>> about = dict(users=np.arange(3), source={"name": "shop", "split": "test"}, seconds=0.0, about={})
    >>> one = RecommendationEvaluation("kNN", "closed form", {"HR@10": np.array([1.0, 1.0, 0.0])}, **about)
    >>> other = RecommendationEvaluation("popularity", "trivial", {"HR@10": np.array([1.0, 0.0, 0.0])}, **about)
    >>> compare_recommenders({"kNN": one, "popularity": other}, "HR@10").best
    'kNN'
    """
    having = {name: row.evaluation(metric) for name, row in rows.items() if metric in row.values}
    if not having:
        raise ConfigurationError(f"None of {', '.join(rows) or 'no rows'} has {metric!r}. Choose another metric.")
    return comparison(having)
