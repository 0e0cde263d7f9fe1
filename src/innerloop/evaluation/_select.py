"""Choosing a setting of any kind on validation tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import Metric, evaluate
from innerloop.evaluation._evaluation import Evaluation
from innerloop.learner import Learner
from innerloop.task import Source

V = TypeVar("V")


@dataclass(frozen=True)
class Selected(Generic[V]):
    """What was chosen, and everything that was tried.

    Attributes:
        setting: the chosen value.
        learner: the learner made with it.
        value: metric there, over the validation tasks.
        tried: each value with its metric, in the order in which they were tried.
    """

    setting: V
    learner: Learner
    value: float
    tried: list[tuple[V, float]]

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the learner."""
        return {"setting": self.setting, "value": self.value, "tried": self.tried}


def select(
    make: Callable[[V], Learner],
    settings: Sequence[V],
    validation: Source,
    *,
    tasks: int = 100,
    metric: Metric | None = None,
) -> Selected[V]:
    """Tries every setting on validation tasks and keeps the best; of equals, the one that came first.

    For what has no inner steps, such as a penalty; `tune` chooses rates and steps. The two go together: `make` may
    itself return a learner that was tuned.

    Args:
        make: from a setting to a learner.
        settings: what to try: penalties, pairs of them, schedules.
        validation: a split that is neither trained on nor reported.
        tasks: validation tasks.
        metric: as for `evaluate`.

    Raises:
        ConfigurationError: if there is nothing to try, or nothing gives a finite value.

    >>> from innerloop.methods import shrunk_ridge
    >>> from innerloop.sources import Sinusoids
    >>> source = Sinusoids()
    >>> chosen = select(lambda p: shrunk_ridge(source.train, slopes=p), [1.0, 1e6], source.validation, tasks=20)
    >>> chosen.setting  # a line of its own is no good guess at a sinusoid
    1000000.0
    """
    return select_by(make, settings, lambda learner: evaluate(learner, validation, tasks, metric=metric))


def select_by(
    make: Callable[[V], Learner], settings: Sequence[V], judge: Callable[[Learner], Evaluation]
) -> Selected[V]:
    """As `select`, with an evaluation of one's own, such as the success of a policy in a simulator.

    Args:
        make: from a setting to a learner.
        settings: what to try.
        judge: from a learner to its evaluation on validation tasks.

    Raises:
        ConfigurationError: if there is nothing to try, or nothing gives a finite value.
    """
    if not settings:
        raise ConfigurationError("Expected at least one setting to try; got none.")
    learners = [make(setting) for setting in settings]
    found = [judge(learner) for learner in learners]
    sign = 1.0 if found[0].higher_is_better else -1.0
    finite = [i for i, each in enumerate(found) if math.isfinite(each.mean)]
    if not finite:
        raise ConfigurationError(f"None of the settings {list(settings)} gives a finite {found[0].metric}. Try others.")
    best = max(finite, key=lambda i: sign * found[i].mean)
    tried = [(setting, each.mean) for setting, each in zip(settings, found, strict=True)]
    return Selected(settings[best], learners[best], found[best].mean, tried)
