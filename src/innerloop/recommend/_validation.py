"""How weights and settings are chosen: by the metric that will be reported, on the validation cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from innerloop.evaluation import Evaluation
from innerloop.learner import Learner
from innerloop.recommend._cases import Cases
from innerloop.recommend._evaluate import evaluate_recommender
from innerloop.recommend._recommender import Recommender


@dataclass(frozen=True, eq=False)
class Validation:
    """A recommender's metric on validation cases. Every choice among weights or settings goes through this one.

    Args:
        recommender: as it is now; a training changes it between two looks.
        cases: of the validation users.
        asked: the metric, of whatever has it; None: "absolute error" of what predicts ratings. What only orders items
            has "nDCG@10" in place of an error.

    >>> from innerloop.recommend._events import Events
    >>> from innerloop.recommend.rivals import GlobalMean
    >>> train = Events.of([0, 0], [0, 1], [5, 3], users=2, items=2)
    >>> cases = Cases(Events.of([1], [0], [5], users=2, items=2), Events.of([1], [1], [3], users=2, items=2))
    >>> Validation(GlobalMean().fit(train, cases), cases).evaluation().metric
    'absolute error'
    """

    recommender: Recommender
    cases: Cases
    asked: str | None = None

    @property
    def metric(self) -> str:
        """What is chosen by."""
        rates = self.cases.query.explicit and self.recommender.predicts_ratings
        if self.asked is not None and (rates or not self.asked.endswith("error")):
            return self.asked
        return "absolute error" if rates else "nDCG@10"

    def evaluation(self) -> Evaluation:
        """The metric of each validation user."""
        found = evaluate_recommender(self.recommender, self.cases, split="validation")
        return found.evaluation(self.metric)

    def judge(self, learner: Learner) -> Evaluation:
        """The same, for a training of the recommender's learner."""
        return self.evaluation()

    def describe(self) -> dict[str, Any]:
        """Number of users, and the metric."""
        return {"name": "cases", "users": len(self.cases.users), "metric": self.metric}
