"""The result of an evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from innerloop.errors import DataError
from innerloop.evaluation import _words as words
from innerloop.evaluation._calibration import Calibration
from innerloop.evaluation._statistics import Interval, Values, interval


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a learner does on a fixed list of tasks.

    Attributes:
        name: the learner.
        metric: "accuracy", "success" or a share of good recommendations, such as "HR@10" (higher is better), or an
            error such as "squared error", or "negative log-density" (lower is better).
        values: `(T,)` the metric of each task.
        losses: `(T,)` query loss of each task. Where predictions are `innerloop.losses.Gaussian`, the negative
            log-density of a query point in nats.
        source: what the tasks are (`TaskSource.describe()`); "units" is what they are called, if they are not tasks.
        first: number of the first task; the others follow.
        norm: whose statistics normalised the query examples. "batch" is transductive.
        steps: inner steps taken; None for learners without steps.
        trained_steps: inner steps in training.
        curve: metric after 0, 1, ... inner steps, as (mean, half) over `curve_tasks` tasks; empty if not asked for.
        curve_tasks: tasks behind the curve.
        curve_values: `(curve_tasks, 1 + steps)` the metric of each of them after 0, 1, ... inner steps, so that
            learners can be compared in pairs at each step; None if not asked for.
        calibration: reliability of the predictions; None in regression.
        mapping: how the tasks were mapped.
        seconds: wall time.
        about: device, threads, versions.
        seeds: mean of the metric of each training, as (training seed, mean), where the training seeds are known; with
            several of them `values` and `losses` are means over seeds (see `averaged`).
    """

    name: str
    metric: str
    values: Values = field(repr=False)  # of a thousand tasks
    losses: Values = field(repr=False)
    source: dict[str, Any]
    first: int
    norm: str
    mapping: str
    seconds: float
    steps: int | None = None
    trained_steps: int | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)
    curve_tasks: int = 0
    calibration: Calibration | None = None
    about: dict[str, Any] = field(default_factory=dict)
    seeds: list[tuple[int, float]] = field(default_factory=list)
    curve_values: Values | None = field(default=None, repr=False)

    @property
    def interval(self) -> Interval:
        """Mean of the metric and the half-width of its 95 % interval over tasks."""
        return interval(self.values)

    @property
    def mean(self) -> float:
        """Mean of the metric over tasks."""
        return self.interval.mean

    @property
    def spread(self) -> float | None:
        """Standard deviation over training seeds of the mean over tasks; None for fewer than two seeds."""
        return float(np.std([mean for _, mean in self.seeds], ddof=1)) if len(self.seeds) > 1 else None

    @property
    def units(self) -> str:
        """What the intervals are over: "tasks", or what the source calls them, such as users."""
        return str(self.source.get("units", "tasks"))

    @property
    def higher_is_better(self) -> bool:
        """True for accuracy, success and other shares."""
        return words.is_share(self.metric)

    def __str__(self) -> str:
        shape = self.source
        what = f"{shape['ways']}-way {shape['shots']}-shot " if shape.get("ways") and "shots" in shape else ""
        norms = {
            "batch": "; normalised with the query batch's own statistics (transductive)",
            "support": "; normalised with support statistics",
            "running": "; normalised with running averages",
        }.get(self.norm, "")
        accuracy = self.higher_is_better
        number, trained = words.result(self.interval, accuracy), ""
        if self.spread is not None:
            size = words.deviation(self.spread, accuracy) + words.points(accuracy)
            trained = f"; standard deviation over {len(self.seeds)} training seeds {size}"
        return (
            f"{self.name}: {self.metric} {number} (95 % interval over {len(self.values):,} {what}{shape['split']} "
            f"{self.units} of {shape['name']}{norms}{trained})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, complete: `from_json` gives the evaluation back."""
        mean, half = self.interval
        return {
            **{name: value for name, value in vars(self).items() if name not in _OTHERWISE},
            "mean": _number(mean),
            "half": _number(half),
            "curve": [(_number(m), _number(h)) for m, h in self.curve],
            "seeds": [(seed, _number(m)) for seed, m in self.seeds],
            "calibration": self.calibration.to_json() if self.calibration else None,
            "values": _rounded(self.values),
            "losses": _rounded(self.losses),
            **({} if self.curve_values is None else {"curve_values": [_rounded(row) for row in self.curve_values]}),
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> Evaluation:
        """The evaluation that `to_json` wrote.

        Raises:
            DataError: if fields are missing or of another type.
        """
        try:
            for name, kind in _KINDS.items():
                if not isinstance(value[name], kind):
                    raise TypeError(f"{name} is {value[name]!r}")
            fields = {name: entry for name, entry in value.items() if name not in ("mean", "half")}
            fields["values"] = np.asarray(fields["values"], dtype=float)
            fields["losses"] = np.asarray(fields["losses"], dtype=float)
            fields["curve"] = [tuple(math.nan if v is None else float(v) for v in point) for point in fields["curve"]]
            if "curve_values" in fields:
                fields["curve_values"] = np.asarray(fields["curve_values"], dtype=float)
            seeds = fields.get("seeds", [])
            fields["seeds"] = [(int(seed), math.nan if mean is None else float(mean)) for seed, mean in seeds]
            fields["calibration"] = Calibration.from_json(fields["calibration"]) if fields["calibration"] else None
            if len(fields["values"]) != len(fields["losses"]) or not {"name", "split"} <= fields["source"].keys():
                raise ValueError("values, losses or source")
            return Evaluation(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"Not an evaluation of innerloop: {error!r}. Run `innerloop evaluate` again.") from error


_OTHERWISE = ("values", "losses", "calibration", "curve_values")
"""What is saved in another form than it has."""
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("name", "metric", "norm", "mapping"), str),
    **dict.fromkeys(("first", "curve_tasks"), int),
    **dict.fromkeys(("source", "about"), dict),
    **dict.fromkeys(("steps", "trained_steps"), int | None),
    **dict.fromkeys(("values", "losses", "curve"), list),
    "calibration": dict | None,
    "seconds": int | float,
}
"""What a saved evaluation holds."""


def _rounded(values: Values) -> list[float | None]:
    return [_number(round(float(value), 6)) for value in values]


def _number(value: float) -> float | None:
    # a learner that diverged has no finite error; JSON has no name for that but null
    return float(value) if math.isfinite(value) else None
