"""What the outer loop asks of an algorithm."""

from __future__ import annotations

from typing import Any, Protocol

from torch.optim import Optimizer

from innerloop.rl._course import Round, Sampling
from innerloop.task import Task


class Algorithm(Protocol):
    """How parameters move: `ProMP`, `TRPO` or `PPO`. A frozen dataclass of plain values, which a run keeps."""

    @property
    def rounds(self) -> int:
        """How often a learner adapts in a course of training."""

    def begin(self, learner: Any) -> Optimizer:
        """Gives the learner its outer loss, and returns the optimiser of its parameters."""

    def update(self, learner: Any, optimiser: Optimizer, course: list[Round], sampling: Sampling) -> dict[str, float]:
        """One outer step on a course; returns what to log, the loss among it."""


def task_of(course: list[Round]) -> Task:
    """A course with one adaptation as a batch of tasks: adapt on the first episodes, be judged on the second."""
    before, after = course
    assert before.examples is not None
    assert after.examples is not None
    return Task(before.examples, after.examples, before.episodes.index)
