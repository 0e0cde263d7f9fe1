"""A function of every task of a fixed list, and what all analyses ask of learner and tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Difference, batches, evaluating, paired_difference
from innerloop.gradient import GradientLearner
from innerloop.learner import Learner
from innerloop.modules import device_of
from innerloop.task import Source, Task

Array = NDArray[Any]
Found = dict[str, Array]


def over_tasks(
    learner: Learner,
    source: Source,
    tasks: int,
    function: Callable[[Task], dict[str, Tensor]],
    *,
    first: int = 0,
    batch: int = 50,
    reduce: Callable[[Found], Found] = lambda found: found,
) -> list[Found]:
    """`function` of every task under the learner's mapping, in `eval()` and without gradients.

    Args:
        learner: any learner; it is bit-identical afterwards.
        source: a split of tasks.
        tasks: how many tasks.
        function: from one task to tensors by name.
        first: number of the first task.
        batch: tasks held in memory at a time.
        reduce: what is kept of a batch's arrays, where they are large.

    Returns:
        for each batch of tasks the arrays by name, each with a leading axis of tasks. They are not joined, since
        padded batches may differ in their numbers of rows.
    """
    demand(tasks, batch)
    with evaluating(learner), torch.no_grad():
        return [
            reduce({name: tensor.cpu().numpy() for name, tensor in learner.map(function, chunk).items()})
            for chunk in batches(source, first, tasks, batch, device_of(learner))
        ]


def joined(found: list[Found], name: str) -> Array:
    """One array over all tasks, in double precision."""
    return np.concatenate([part[name] for part in found]).astype(float)


def demand(tasks: int, batch: int) -> None:
    """Refuses numbers of tasks that give no interval.

    Raises:
        ConfigurationError: saying which.
    """
    for name, number, least in (("tasks", tasks, 2), ("batch", batch, 1)):
        at_least(name, number, least)


def demand_steps(learner: Learner, because: str) -> GradientLearner:
    """The learner, if it learns by gradient steps.

    Raises:
        ConfigurationError: with the reason why an analysis is not defined for it.
    """
    if not isinstance(learner, GradientLearner):
        raise ConfigurationError(f"{learner.name} takes no gradient steps: {because}.")
    return learner


def paired(a: Array, b: Array) -> Difference:
    """The paired difference `a - b`; no number where a task has none."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return Difference(float("nan"), float("nan"), float("nan"))
    return paired_difference(a, b)
