"""A test of the influence itself: is a wrong label that was put there found?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from innerloop.evaluation import Interval, interval
from innerloop.explain._analysis import Analysis
from innerloop.explain._influence import influence
from innerloop.explain._shuffled import Mislabelled
from innerloop.explain._words import share
from innerloop.learner import Learner
from innerloop.task import Source


@dataclass(frozen=True)
class PlantedLabel(Analysis):
    """Where a planted wrong label stands among the support examples of its task.

    Attributes:
        first: share of tasks in which it is the most suspect (see `TaskInfluence.suspicion`).
        most_harmful: share of tasks in which it is the most harmful to the query loss.
        most_contradicted: share of tasks in which it has the highest held-out loss.
        ranks: its place by suspicion in each task, 1 for the most suspect.
        examples: support examples of a task.
        tasks: tasks behind the shares.
    """

    first: Interval
    most_harmful: Interval
    most_contradicted: Interval
    ranks: list[int]
    examples: int
    tasks: int

    @property
    def sentences(self) -> list[str]:
        """How often it is found."""
        return [
            f"A wrong label among {self.examples} support examples is the most suspect one in {share(self.first.mean)} "
            f"of {self.tasks} tasks (the most harmful to the query loss in {share(self.most_harmful.mean)}, with the "
            f"highest held-out loss in {share(self.most_contradicted.mean)})."
        ]


def planted_label(
    learner: Learner, source: Source, tasks: int = 200, *, seed: int = 0, first: int = 0, batch: int = 50
) -> PlantedLabel:
    """Gives one support example of every task a wrong label and looks where it ranks.

    Args:
        learner: any learner of classes.
        source: a split of tasks with classes, more than one shot of each.
        tasks: how many tasks.
        seed: another seed spoils other examples.
        first: number of the first task.
        batch: adaptations held in memory at a time.

    Raises:
        ConfigurationError: in regression.
    """
    spoiled = Mislabelled(source, seed)
    found = influence(learner, spoiled, tasks, first=first, batch=batch)
    wrong: list[int] = []
    for at in range(first, first + tasks, batch):
        wrong += spoiled.rows(source.batch(torch.arange(at, min(at + batch, first + tasks)))).tolist()
    pairs = list(zip(found.examples, wrong, strict=True))
    ranks = [_rank(task.suspicion, row) for task, row in pairs]
    return PlantedLabel(
        _first(ranks),
        _first([_rank([-v for v in task.changes], row) for task, row in pairs]),
        _first([_rank(task.held_out, row) for task, row in pairs]),
        ranks,
        int(np.isfinite(found.examples[0].changes).sum()),
        tasks,
    )


def _rank(scores: list[float], row: int) -> int:
    return int((np.array(scores) > scores[row]).sum()) + 1


def _first(ranks: list[int]) -> Interval:
    return interval((np.array(ranks) == 1).astype(float))
