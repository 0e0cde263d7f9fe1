"""A test of the influence itself: is a wrong label that was put there found?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from innerloop.evaluation import Interval, interval
from innerloop.evaluation._evaluate import Tasks
from innerloop.explain._analysis import Analysis
from innerloop.explain._influence import influence
from innerloop.explain._shuffled import Mislabelled
from innerloop.explain._words import share
from innerloop.learner import Learner


@dataclass(frozen=True)
class PlantedLabel(Analysis):
    """Where a planted wrong label stands in the ranking by leave-one-out influence.

    Attributes:
        first: share of tasks in which it is the most harmful example.
        ranks: its place in each task; 1 is the most harmful.
        examples: support examples of a task.
        tasks: tasks behind the share.
    """

    first: Interval
    ranks: list[int]
    examples: int
    tasks: int

    @property
    def sentences(self) -> list[str]:
        """How often it is found."""
        return [
            f"A wrong label among {self.examples} support examples ranks first in {share(self.first.mean)} of "
            f"{self.tasks} tasks."
        ]


def planted_label(
    learner: Learner, source: Tasks, tasks: int = 200, *, seed: int = 0, first: int = 0, batch: int = 50
) -> PlantedLabel:
    """Gives one support example of every task a wrong label and ranks all examples by their influence.

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
    ranks = []
    for at in range(0, tasks, batch):
        indices = torch.arange(first + at, first + min(at + batch, tasks))
        rows = spoiled.rows(source.batch(indices)).tolist()
        for task, row in zip(found.examples[at : at + batch], rows, strict=True):
            changes = np.array(task.changes)
            ranks.append(int((changes < changes[row]).sum()) + 1)
    share_first = interval((np.array(ranks) == 1).astype(float))
    return PlantedLabel(share_first, ranks, int(np.isfinite(found.examples[0].changes).sum()), tasks)
