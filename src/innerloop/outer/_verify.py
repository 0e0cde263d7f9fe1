"""Mistakes that would train without a complaint, looked for before the first step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.errors import DataError, TrainingError
from innerloop.learner import Learner
from innerloop.sound import demand_sound
from innerloop.task import Task, Tree, number_of_tasks, take


def verify(learner: Learner, tasks: Task) -> None:
    """Looks at a batch of tasks, at its first one closely.

    Raises:
        DataError: for NaN, labels outside the ways, examples that the network cannot take, or if most of the query set
            stands in the support set: the learner would be judged on what it was shown.
        TrainingError: if adaptation changes nothing, changes the learner itself, or diverges.
    """
    number_of_tasks(tasks)  # which refuses a single one
    demand_sound(tasks)
    if not len(tasks.support):
        return  # a flat batch: nothing to adapt to
    task = take(tasks, 0)
    support, query = task.support.x, task.query.x
    if isinstance(support, Tensor) and isinstance(query, Tensor) and learner.family != "transfer":
        seen = {row.numpy().tobytes() for row in support[task.support.mask].cpu()}
        rows = [row.numpy().tobytes() for row in query[task.query.mask].cpu()]
        repeated = sum(row in seen for row in rows)
        if repeated > len(rows) / 2:
            raise DataError(
                f"{repeated} of the {len(rows)} query examples of task {int(task.index)} are also in its support set. "
                "Draw support and query from different examples."
            )
    devices = [task.index.device] if task.index.is_cuda else []
    weights = {name: tensor.clone() for name, tensor in learner.state_dict().items()}
    with torch.no_grad(), torch.random.fork_rng(devices):  # dropout leaves the user's generator alone
        states = list(learner.trajectory(task.support, learner.steps or 1))
        learner.query_loss(learner.predict(states[-1], task.query.x, task.query.mask), task.query)
    _demand_unchanged(learner, weights)
    if len(states) > 1:
        moved = [_tensors(learner.moved(state)) for state in states]
        _demand_finite(moved)
        if all(torch.equal(a, b) for a, b in zip(moved[0], moved[1], strict=True)):
            raise TrainingError(
                "An inner step changed no parameter: the support loss does not depend on what adapts, or its gradient "
                "is zero. Check which parameters adapt, the inner learning rate and the inner loss."
            )


def _demand_unchanged(learner: Learner, before: dict[str, Tensor]) -> None:
    after = learner.state_dict()
    changed = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    if changed:
        raise TrainingError(
            f"Adapting to one task changed {', '.join(changed[:3])} of the learner itself, so that the next task would "
            "start elsewhere. Let `forward` write nothing in place; keep what changes in the state."
        )


def _tensors(tree: Tree) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


def _demand_finite(moved: list[list[Tensor]]) -> None:
    for step, tensors in enumerate(moved):
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
            raise TrainingError(
                f"The inner loop diverged: after inner step {step} of {len(moved) - 1} its parameters are not finite. "
                "Lower the inner learning rate, or take fewer inner steps."
            )
