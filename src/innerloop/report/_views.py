"""Test tasks to look at: what the learner was shown, what it was asked, what it said."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from innerloop.errors import ConfigurationError
from innerloop.evaluation import Evaluation
from innerloop.explain import Influence
from innerloop.learner import Learner
from innerloop.losses import mean_of
from innerloop.report._page import Fit, InfluenceView, Shown, TaskView, Weighed
from innerloop.task import stack

_QUERIES_SHOWN = 8
"""Queries of each class that a page shows; the accuracy above them is over all."""


def notable(evaluation: Evaluation, of_each: int = 2) -> dict[int, str]:
    """Numbers of tasks worth a look: the hardest, the easiest, and some at the median.

    The kinds are "typical", "hardest" and "easiest"; a task has one kind only.
    """
    order = np.argsort(evaluation.values if evaluation.higher_is_better else -evaluation.values, kind="stable")
    middle = len(order) // 2
    picks = [
        (order[middle : middle + of_each], "typical"),
        (order[:of_each], "hardest"),
        (order[::-1][:of_each], "easiest"),
    ]
    found: dict[int, str] = {}
    for places, kind in picks:
        for place in places:
            found.setdefault(int(place) + evaluation.first, kind)
    return found


def task_views(learner: Learner, source: Any, tasks: dict[int, str]) -> list[TaskView]:
    """The tasks as pictures with predictions.

    Args:
        learner: in `eval()`; its norm policy is the one of the evaluation.
        source: a split of picture tasks that knows `classes(index)`.
        tasks: kind by task number.

    Raises:
        ConfigurationError: if the source's examples are no pictures.
    """
    views = []
    for index, kind in tasks.items():
        task = source[index]
        if task.ways is None or task.support.x.ndim != 4:
            raise ConfigurationError(f"Only picture tasks can be shown; got examples {tuple(task.support.x.shape)}.")
        with torch.no_grad():
            logits = learner.map(
                lambda one: learner.predict(learner.adapt(one.support), one.query.x, one.query.mask),
                stack([task]),
            )[0]
        confidence, guess = torch.softmax(logits, -1).max(-1)
        names = source.classes(index)
        truth = task.query.y
        shown = []
        for label in range(task.ways):
            for row in (truth == label).nonzero().flatten()[:_QUERIES_SHOWN].tolist():
                picture = task.query.x[row].numpy()
                shown.append(Shown(picture, label, int(guess[row]), float(confidence[row])))
        group = names[0].rpartition(" ")[0] if len({name.rpartition(" ")[0] for name in names}) == 1 else ""
        views.append(
            TaskView(
                title=f"Test task {index}" + (f", {group}" if group else ""),
                accuracy=float((guess == truth).float().mean()),
                support=[
                    [picture.numpy() for picture in task.support.x[task.support.y == label]]
                    for label in range(task.ways)
                ],
                classes=names,
                queries=shown,
                kind=kind,
            )
        )
    return views


def influence_views(source: Any, influence: Influence) -> list[InfluenceView]:
    """Two picture tasks with the influence of their support examples: a typical one, and one where an example harms.

    Args:
        source: a split of picture tasks that knows `classes(index)`.
        influence: of those tasks.
    """
    known = [task for task in influence.examples if np.isfinite(task.changes).all()]
    order = sorted(known, key=lambda task: min(task.changes))
    picks = {"typical": order[len(order) // 2 : len(order) // 2 + 1], "an example harms most": order[:1]}
    views = []
    for kind, (found,) in ((kind, pick) for kind, pick in picks.items() if pick):
        task = source[found.index]
        if task.ways is None or task.support.x.ndim != 4 or len(task.support) != len(found.changes):
            return []
        weighed = [Weighed(x.numpy(), change) for x, change in zip(task.support.x, found.changes, strict=True)]
        rows = [[weighed[i] for i in (task.support.y == label).nonzero().flatten().tolist()]
                for label in range(task.ways)]  # fmt: skip
        views.append(InfluenceView(f"Task {found.index} ({kind})", rows, source.classes(found.index)))
    return views


def fits(learner: Learner, source: Any, tasks: dict[int, str]) -> list[Fit]:
    """One-dimensional regression tasks, before and after adaptation."""
    found = []
    for index, kind in tasks.items():
        task = source[index]
        with torch.no_grad():

            def both(one: Any) -> Any:
                states = list(learner.trajectory(one.support, learner.test_steps or 1))
                return torch.stack([mean_of(learner.predict(state, one.query.x)) for state in (states[0], states[-1])])

            before, after = learner.map(both, stack([task]))[0]
        numbers = [task.support.x, task.support.y, task.query.x, task.query.y, before, after]
        found.append(Fit(f"Test task {index} ({kind})", *(tensor.flatten().numpy() for tensor in numbers)))
    return found
