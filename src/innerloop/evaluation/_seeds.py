"""Several trainings of one method as one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from innerloop.errors import ConfigurationError
from innerloop.evaluation._calibration import pooled
from innerloop.evaluation._evaluation import Evaluation

COVERS = (
    "An interval over tasks says how much the mean would move with other test tasks, for the trainings at hand. The "
    "spread over training seeds, a standard deviation, says how much it moves when the training is begun anew; neither "
    "holds the other. Differences are paired: task by task, the mean over the seeds of one row minus that of the other."
)
"""What the numbers of a comparison cover, in words."""


def averaged(by_seed: Mapping[int, Evaluation]) -> Evaluation:
    """One row for several trainings of a method: the value of a task is its mean over the training seeds.

        v_t = 1/S Σ_s v_ts

    So the interval of the row is over tasks, paired differences to another row are those of the means over seeds, and
    the means of the single trainings are kept in `seeds`. Half-widths of curves are means over seeds, which is never
    too narrow; the calibration pools the predictions of all seeds.

    Args:
        by_seed: an evaluation for each training seed, all of the same tasks.

    Raises:
        ConfigurationError: if there is none, or they are of different tasks.

    >>> from dataclasses import replace
    >>> one = Evaluation("MAML", "accuracy", np.array([0.4, 0.8]), np.zeros(2), {"name": "x", "split": "test"}, 0,
    ...                  "none", "loop", 1.0)
    >>> both = averaged({0: one, 7: replace(one, values=np.array([0.6, 0.8]))})
    >>> both.values, both.seeds
    (array([0.5, 0.8]), [(0, 0.6...), (7, 0.7...)])
    """
    if not by_seed:
        raise ConfigurationError("Expected an evaluation for at least one training seed; got none.")
    every = list(by_seed.values())
    first = every[0]
    for seed, one in by_seed.items():
        if (one.source, one.first, len(one.values), one.metric) != (
            first.source, first.first, len(first.values), first.metric,
        ):  # fmt: skip
            raise ConfigurationError(f"The training with seed {seed} was evaluated on other tasks than the first one.")
    seeds = [(seed, float(np.mean(one.values))) for seed, one in by_seed.items()]
    if len(every) == 1:
        return replace(first, seeds=seeds)
    length = min(len(one.curve) for one in every)
    each = [one.curve_values for one in every if one.curve_values is not None]
    tasks = min(one.curve_tasks for one in every)
    return replace(
        first,
        values=np.mean([one.values for one in every], axis=0),
        losses=np.mean([one.losses for one in every], axis=0),
        seconds=round(sum(one.seconds for one in every), 2),
        curve=[
            (float(np.mean([one.curve[k][0] for one in every])), float(np.mean([one.curve[k][1] for one in every])))
            for k in range(length)
        ],
        curve_tasks=tasks,
        curve_values=np.mean([found[:tasks, :length] for found in each], axis=0) if len(each) == len(every) else None,
        calibration=pooled([one.calibration for one in every if one.calibration is not None]),
        seeds=seeds,
    )
