"""Is confidence right before, during and after adaptation?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.evaluation import Difference, Interval, interval
from innerloop.evaluation._calibration import BINS, expected_error
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import Array, joined, over_tasks, paired
from innerloop.explain._words import by, steps
from innerloop.gradient import GradientLearner
from innerloop.learner import Learner, State
from innerloop.task import Source, Task


@dataclass(frozen=True)
class Reliability:
    """Confidence after some inner steps.

    Attributes:
        step: how many; None for a learner without steps.
        error: expected calibration error, pooled over all query examples of all tasks.
        brier: mean of `Σ_k (p_k - [y = k])²`.
        likelihood: mean negative log-likelihood, `-log p_y`.
        accuracy: mean accuracy.
        confidence: mean probability of the predicted class.
    """

    step: int | None
    error: float
    brier: Interval
    likelihood: Interval
    accuracy: Interval
    confidence: float


@dataclass(frozen=True)
class CalibrationCourse(Analysis):
    """Calibration step by step.

    Attributes:
        states: after 0, 1, ... steps; one for a learner without steps.
        error: calibration error after the last step minus before the first, paired; None for a learner without steps.
        brier: the same of the Brier score.
        likelihood: the same of the negative log-likelihood.
        tasks: tasks behind the numbers.
    """

    states: list[Reliability]
    error: Difference | None
    brier: Difference | None
    likelihood: Difference | None
    tasks: int

    def __post_init__(self) -> None:
        if not self.states:
            raise ValueError("no states")

    @property
    def sentences(self) -> list[str]:
        """How far confidence is from accuracy, and what adaptation does to that."""
        last = self.states[-1]
        gap = last.confidence - last.accuracy.mean
        lean = "more" if gap > 0 else "less"
        after = "" if last.step is None else f" after {steps(last.step)}"
        said = [
            f"Confidence and accuracy differ by {100 * last.error:.1f} points{after} (expected calibration error); "
            f"overall it is {100 * abs(gap):.1f} points {lean} confident than right."
        ]
        if self.error is not None and np.isfinite(self.error.mean):
            before = f"it was {100 * self.states[0].error:.1f} before"
            if not self.error.seen:
                said.append(f"No change of calibration by adaptation seen: {before}.")
            else:
                word = "worse" if self.error.mean > 0 else "better"
                said.append(f"Adaptation makes calibration {word}: {before}, a change of {by(self.error, 'accuracy')}.")
        return said


def calibration_course(
    learner: Learner, source: Source, tasks: int = 200, *, first: int = 0, batch: int = 50
) -> CalibrationCourse:
    """Calibration error, Brier score and negative log-likelihood of query predictions after 0, 1, ... inner steps.

        ECE = Σ_b n_b/n |accuracy_b - confidence_b|

    Args:
        learner: any learner of classes; one without steps has one state.
        source: a split of tasks with classes.
        tasks: how many tasks.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: in regression.

    Source: Guo et al. 2017, equation 3; Brier 1950; bootstrap over tasks: Efron and Tibshirani 1993, section 13.3.
    """
    if source.batch(torch.tensor([first])).ways is None:
        raise ConfigurationError("Calibration is about probabilities of classes; these tasks have none.")
    counted = isinstance(learner, GradientLearner)

    def judged(task: Task, state: State) -> dict[str, Tensor]:
        query = task.query
        log = torch.log_softmax(learner.predict(state, query.x, query.mask), -1)
        p = log.exp()
        confidence, guess = p.max(-1)
        # a padded row may hold anything
        confidence, right = torch.where(query.mask, confidence, 0), ((guess == query.y) & query.mask).to(p.dtype)
        weight = query.mask.to(p.dtype) / query.mask.sum()
        truth = query.y.clamp(0, p.shape[-1] - 1)[:, None]
        brier = p.square().sum(-1) - 2 * p.gather(-1, truth)[:, 0] + 1
        place = (confidence * BINS).long().clamp(max=BINS - 1)
        member = (place[:, None] == torch.arange(BINS, device=place.device)).to(p.dtype) * query.mask[:, None]
        return {
            "brier": (weight * torch.where(query.mask, brier, 0)).sum(),
            "likelihood": -(weight * torch.where(query.mask, log.gather(-1, truth)[:, 0], 0)).sum(),
            "accuracy": (weight * right).sum(),
            "sums": torch.stack([member.sum(0), member.T @ confidence, member.T @ right]),
        }

    def one(task: Task) -> dict[str, Tensor]:
        if isinstance(learner, GradientLearner):
            states = [judged(task, state) for state in learner.trajectory(task.support, learner.test_steps)]
        else:
            states = [judged(task, learner.adapt(task.support))]
        return {name: torch.stack([state[name] for state in states]) for name in states[0]}

    parts = over_tasks(learner, source, tasks, one, first=first, batch=batch)
    brier, likelihood, accuracy = (joined(parts, name) for name in ("brier", "likelihood", "accuracy"))  # (T, S)
    sums = joined(parts, "sums")  # (T, S, 3, BINS): count, confidence, right
    states = [
        Reliability(
            k if counted else None,
            float(expected_error(sums[:, k].sum(0))),
            interval(brier[:, k]),
            interval(likelihood[:, k]),
            interval(accuracy[:, k]),
            float(sums[:, k, 1].sum() / sums[:, k, 0].sum()),
        )
        for k in range(brier.shape[1])
    ]
    if not counted:
        return CalibrationCourse(states, None, None, None, tasks)
    return CalibrationCourse(
        states,
        _error_difference(sums[:, -1], sums[:, 0]),
        paired(brier[:, -1], brier[:, 0]),
        paired(likelihood[:, -1], likelihood[:, 0]),
        tasks,
    )


def _error_difference(after: Array, before: Array, resamples: int = 1_000) -> Difference:
    """The difference of two pooled errors, with the percentile interval of a bootstrap over tasks."""
    if not (np.isfinite(after).all() and np.isfinite(before).all()):
        return Difference(float("nan"), float("nan"), float("nan"))
    count = len(after)
    draw = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), resamples).astype(float)
    both = [expected_error(np.einsum("rt,tcb->rcb", draw, sums)) for sums in (after, before)]
    low, high = np.percentile(both[0] - both[1], [2.5, 97.5])
    return Difference(float(expected_error(after.sum(0)) - expected_error(before.sum(0))), float(low), float(high))
