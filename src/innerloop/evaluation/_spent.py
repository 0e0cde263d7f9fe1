"""What a row of a comparison cost, in training and for each task."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MEASURED = (
    "Adapting is timed with one task at a time on one thread, after a warm-up: the median over tasks of the time that "
    "learning from the support set takes, without the predictions. Memory is counted tensor by tensor: the most bytes "
    "of tensors made and alive at once while a task is learned (in training: during one outer step with its gradient), "
    "without the parameters, the examples and what kernels take for themselves. Labels are those of all support and "
    "query sets that training drew, repetitions included."
)
"""How the numbers of a `Spent` came about, in words."""


@dataclass(frozen=True)
class Spent:
    """What a row cost; None is what was not measured, or is not there to be measured.

    Attributes:
        train_seconds: wall time of the training, validation included; the mean over training seeds.
        train_steps: outer steps; the mean over training seeds.
        train_labels: labels drawn in training, repetitions included.
        train_bytes: the most bytes of tensors in an outer step.
        parameters: numbers that the training learned.
        adapt_seconds: median time to adapt to one task.
        adapt_bytes: the most bytes of tensors while adapting to one task.
        adapted: how many numbers a task leaves behind.
        adapted_is: "parameters" that were moved, or the "state" that was read from the support set.
        timed_tasks: tasks behind the median.
        threads: of the measurement.
    """

    train_seconds: float | None = None
    train_steps: float | None = None
    train_labels: int | None = None
    train_bytes: int | None = None
    parameters: int | None = None
    adapt_seconds: float | None = None
    adapt_bytes: int | None = None
    adapted: int | None = None
    adapted_is: str = ""
    timed_tasks: int = 0
    threads: int = 1

    @property
    def untrained(self) -> bool:
        """Whether nothing was trained for this row; False where that is not known."""
        return self.train_seconds is None and self.parameters == 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
