"""The result of judging a policy: an evaluation whose tasks are goals and whose metric is success."""

from __future__ import annotations

from dataclasses import dataclass

from innerloop.evaluation import Evaluation
from innerloop.evaluation import _words as words


@dataclass(frozen=True, eq=False)
class ControlEvaluation(Evaluation):
    """How often a learner's policy reaches goals that it was shown a few demonstrations of.

    An `Evaluation`: `values` are the success rates of the goals, `curve_values` those after 0, 1, ... inner steps,
    `losses` the rates of failure. `innerloop.evaluation.comparison` puts several side by side, in pairs of one goal.
    """

    @property
    def rollouts(self) -> int:
        """Episodes for each goal."""
        return int(self.source["rollouts"])

    @property
    def limit(self) -> int:
        """Most steps of an episode."""
        return int(self.source["limit_of_rollouts"])

    def __str__(self) -> str:
        shots = self.source["shots"]
        return (
            f"{self.name}: success {words.result(self.interval, True)} (95 % interval over {len(self.values)} "
            f"{self.source['split']} goals of {self.source['name']}, {shots} demonstration{'s' if shots > 1 else ''}, "
            f"{self.rollouts} rollout{'s' if self.rollouts > 1 else ''} each)"
        )
