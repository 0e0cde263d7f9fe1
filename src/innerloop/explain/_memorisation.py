"""Does the learner read its support targets at all, or has it memorised its training tasks?"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from innerloop.evaluation import Difference, Interval, evaluate, interval
from innerloop.evaluation._words import value
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import demand, paired
from innerloop.explain._shuffled import Shuffled, Swapped
from innerloop.explain._words import by, worse
from innerloop.learner import Learner
from innerloop.methods import constant
from innerloop.task import Source

LEFT = 0.1
"""With more of its gain over chance left by shuffled labels, a learner is said to have memorised in part; a choice."""
_ROUNDING = 1e-6
"""In parts of the metric: a sum in another order, or a third in single precision, is no finding."""


@dataclass(frozen=True)
class Memorisation(Analysis):
    """The metric with support sets that say something wrong.

    Attributes:
        metric: "accuracy" or "squared error".
        right: with the support sets as they are.
        shuffled: with the targets of each support set dealt to its inputs at random.
        swapped: with the support set of another task.
        chance: one in the number of ways; in regression the error of the mean of the right support targets.
        shuffled_difference: `shuffled` minus `right`, paired over tasks.
        swapped_difference: `swapped` minus `right`.
        tasks: tasks behind the means.
    """

    metric: str
    right: Interval
    shuffled: Interval
    swapped: Interval
    chance: float
    shuffled_difference: Difference
    swapped_difference: Difference
    tasks: int

    @property
    def verdict(self) -> str:
        """What the numbers say.

        "nothing learned", "memorised", "partly memorised", "reads targets without their inputs" or "reads its support
        set".
        """
        sign = 1 if self.metric == "accuracy" else -1
        gain, left = (sign * (each.mean - self.chance) for each in (self.right, self.shuffled))
        if self.metric == "accuracy" and not gain > self.right.half + _ROUNDING:
            return "nothing learned"
        shuffled, swapped = (
            worse(d, self.metric) and abs(d.mean) > _ROUNDING * abs(self.right.mean)
            for d in (self.shuffled_difference, self.swapped_difference)
        )
        if not shuffled:
            return "reads targets without their inputs" if swapped else "memorised"
        return "partly memorised" if left > max(self.shuffled.half, LEFT * gain) else "reads its support set"

    @property
    def sentences(self) -> list[str]:
        """The verdict with its numbers."""
        right, shuffled, swapped, chance = (
            value(number, self.metric == "accuracy")
            for number in (self.right.mean, self.shuffled.mean, self.swapped.mean, self.chance)
        )
        classes = self.metric == "accuracy"
        what = "labels" if classes else "targets"
        course = f"from {right} to {shuffled} when they are shuffled"
        rival = f"chance is {chance}" if classes else f"the mean of the targets has {chance}"
        match self.verdict:
            case "nothing learned":
                said = f"Nothing to memorise was seen: {self.metric} is {right}, and {rival}."
            case "memorised":
                said = (
                    f"Support {what} do not matter: {self.metric} goes {course}, no loss seen, and to {swapped} with "
                    "the support set of another task. It has memorised its training tasks, or ignores the support set."
                )
            case "reads targets without their inputs":
                said = (
                    f"Shuffled support {what} cost nothing that is seen ({course}), the support set of another task "
                    f"does: {swapped}. It uses the support set, but not which of the {what} belongs to which input."
                )
            case "partly memorised":
                said = (
                    f"Support {what} matter in part: {self.metric} goes {course}, while {rival}. The rest comes from "
                    f"what training tasks had in common. With the support set of another task it is {swapped}."
                )
            case _:
                fall = "falls to chance" if classes else "rises"
                said = (
                    f"Support {what} matter: {self.metric} {fall}, {course} ({rival}), a loss of "
                    f"{by(self.shuffled_difference, self.metric)}. With the support set of another task it is "
                    f"{swapped}."
                )
        return [said]


def memorisation(
    learner: Learner, source: Source, tasks: int = 200, *, seed: int = 0, first: int = 0, batch: int = 50
) -> Memorisation:
    """The metric with shuffled support targets and with another task's support set, on the same queries.

    A learner that learns its tasks falls to chance with shuffled labels. One that does not has memorised: it solves
    the queries without looking at the support targets. In regression "shuffled" leaves the mean of the targets as it
    is, so the error of that mean is the line to compare with.

    Args:
        learner: any learner.
        source: a split of tasks.
        tasks: how many tasks.
        seed: another seed shuffles otherwise.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Source: Yin et al. 2020, "Meta-learning without memorization".
    """
    demand(tasks, batch)
    views = (source, Shuffled(source, seed), Swapped(source))
    right, shuffled, swapped = (evaluate(learner, view, tasks, first=first, batch=batch) for view in views)
    ways = source.batch(torch.tensor([first])).ways
    chance = 1 / ways if ways else evaluate(constant(), source, tasks, first=first, batch=batch).mean
    a, b, c = (found.values for found in (right, shuffled, swapped))
    return Memorisation(right.metric, interval(a), interval(b), interval(c), chance, paired(b, a), paired(c, a), tasks)
