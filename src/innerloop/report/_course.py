"""The course of a training, read from the log of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Learning:
    """The course of a meta-training.

    Attributes:
        name: the learner.
        points: (outer step, seconds, loss; None where none was logged).
        validations: (outer step, seconds, mean, half-width of its 95 % interval).
        metric: metric of the validations.
        units: what they are over.
    """

    name: str
    points: list[tuple[int, float, float | None]] = field(default_factory=list)
    validations: list[tuple[int, float, float, float]] = field(default_factory=list)
    metric: str = "accuracy"
    units: str = "tasks"

    @property
    def seconds(self) -> float | None:
        """Wall time of the last entry; None if there is none."""
        last = [*(p[1] for p in self.points[-1:]), *(v[1] for v in self.validations[-1:])]
        return max(last) if last else None

    @classmethod
    def from_metrics(cls, name: str, lines: Iterable[Mapping[str, Any]], units: str = "tasks") -> Learning:
        """Reads the lines of a run's `metrics.jsonl`; what is neither a loss nor a validation is passed over.

        Args:
            name: the learner.
            lines: of the file.
            units: what the tasks are called.

        >>> lines = [{"step": 1, "seconds": 1.5, "loss": 0.9}, {"step": 1, "seconds": 2.0, "validation": 0.5}]
        >>> Learning.from_metrics("MAML", lines).validations
        [(1, 2.0, 0.5, 0.0)]
        """
        points: list[tuple[int, float, float | None]] = []
        validations: list[tuple[int, float, float, float]] = []
        metric = "accuracy"
        for line in lines:
            if "step" not in line:
                continue
            step, seconds = int(line["step"]), float(line.get("seconds") or 0.0)
            if "loss" in line:
                points.append((step, seconds, _finite(line["loss"])))
            mean = _finite(line.get("validation"))
            if mean is not None:
                validations.append((step, seconds, mean, _finite(line.get("half")) or 0.0))
                metric = str(line.get("metric", metric))
        return cls(name, points, validations, metric, units)


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
