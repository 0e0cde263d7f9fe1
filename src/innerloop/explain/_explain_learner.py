"""Every analysis that is defined for a learner, on the same tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import surroundings
from innerloop.explain._alignment import alignment
from innerloop.explain._analysis import Analysis
from innerloop.explain._calibration import calibration_course
from innerloop.explain._explanation import Explanation
from innerloop.explain._freezing import freezing
from innerloop.explain._influence import influence
from innerloop.explain._learned_rates import learned_rates
from innerloop.explain._memorisation import memorisation
from innerloop.explain._movement import movement
from innerloop.explain._over_adaptation import over_adaptation
from innerloop.explain._similarity import similarity
from innerloop.learner import Learner
from innerloop.modules import device_of
from innerloop.task import Source

LEAST = 10
"""Tasks that an explanation needs: intervals over fewer say nothing."""

ANALYSES: dict[str, Callable[..., Analysis]] = {
    "movement": movement,
    "freezing": freezing,
    "similarity": similarity,
    "learned_rates": lambda learner, *_, **__: learned_rates(learner),
    "influence": influence,
    "calibration": calibration_course,
    "over_adaptation": over_adaptation,
    "memorisation": memorisation,
    "alignment": alignment,
}
"""From the fields of an explanation to what computes them."""


def explain_learner(
    learner: Learner,
    source: Source,
    tasks: int = 200,
    *,
    first: int = 0,
    batch: int = 50,
    say: Callable[[str], None] | None = None,
) -> Explanation:
    """What adaptation changes in a learner, which examples matter to it, and whether it should be trusted.

    An analysis that is not defined for the learner or its tasks is left out, with a reason.

    Args:
        learner: any learner; it is bit-identical afterwards.
        source: a split of tasks.
        tasks: how many tasks, at least ten.
        first: number of the first task.
        batch: tasks, or adaptations, held in memory at a time.
        say: hears the name of each analysis before it begins.

    Raises:
        ConfigurationError: for too few tasks.
        DataError: for tasks that hold NaN or do not fit the learner.
    """
    if tasks < LEAST:
        raise ConfigurationError(f"tasks must be at least {LEAST}, for intervals that mean something; got {tasks}.")
    start = time.perf_counter()
    found: dict[str, Any] = {}
    undefined: dict[str, str] = {}
    for name, analysis in ANALYSES.items():
        if say is not None:
            say(name)
        try:
            found[name] = analysis(learner, source, tasks, first=first, batch=batch)
        except ConfigurationError as error:
            found[name], undefined[name] = None, str(error)
    return Explanation(
        name=learner.name,
        source=source.describe(),
        first=first,
        tasks=tasks,
        norm=learner.norm,
        steps=learner.test_steps,
        undefined=undefined,
        seconds=round(time.perf_counter() - start, 2),
        about=surroundings(device_of(learner)),
        **found,
    )
