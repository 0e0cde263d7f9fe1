"""Which support examples matter: exact leave-one-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.evaluation import Interval, batches, evaluating, interval
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import Array, demand
from innerloop.explain._words import share
from innerloop.learner import Learner
from innerloop.modules import device_of
from innerloop.task import Examples, Source, Task, number_of_tasks


@dataclass(frozen=True)
class TaskInfluence:
    """One task.

    Attributes:
        index: its number in the source.
        loss: query loss after learning from all support examples.
        changes: by how much that loss rises when one example is left out; below zero, the example harms. No number
            for rows that are padding.
        held_out: the loss of each example itself under the model that has learned from the others.
    """

    index: int
    loss: float
    changes: list[float]
    held_out: list[float]

    @property
    def most_harmful(self) -> int:
        """Row of the example without which the query loss is lowest."""
        return int(np.nanargmin(self.changes))

    @property
    def suspicion(self) -> list[float]:
        """How much speaks against each example: it harms the queries, and the others contradict it.

        The standard score of its held-out loss minus that of its influence, within the task; the sum is a choice.
        Neither alone finds a wrong label for every learner: one that fits it shows it in the query loss, one that
        averages it away in the held-out loss.
        """
        found = _standard(np.array(self.held_out)) - _standard(np.array(self.changes))
        return [float(v) for v in found]

    @property
    def most_suspect(self) -> int:
        """Row of the example to look at first, if a label may be wrong."""
        return int(np.nanargmax(self.suspicion))


@dataclass(frozen=True)
class Influence(Analysis):
    """Leave-one-out influence of support examples.

    Attributes:
        examples: task by task.
        harmful: share of a task's support examples without which its query loss is lower, mean over tasks.
        size: mean size of a change, in a task.
        worst: change of the query loss by leaving out a task's most harmful example, mean over tasks. It was chosen by
            the query labels, so this is the most that could be gained.
        loss: query loss with all examples.
        held_out: loss of an example under the model that has learned from the others: what the support set alone says
            about the query loss.
        tasks: tasks behind the means.
    """

    examples: list[TaskInfluence]
    harmful: Interval
    size: Interval
    worst: Interval
    loss: Interval
    held_out: Interval
    tasks: int

    def __post_init__(self) -> None:
        for task in self.examples:
            if len(task.changes) != len(task.held_out) or not np.isfinite(task.changes).any():
                raise ValueError("a task without support examples")

    @property
    def sentences(self) -> list[str]:
        """How much single examples matter."""
        if self.size.mean == 0:
            return ["No support example matters: leaving any of them out changes nothing."]
        relative = self.size.mean / self.loss.mean if self.loss.mean > 0 else float("nan")
        said = [
            f"Leaving out one support example changes the query loss of {self.loss.mean:.3g} by {self.size.mean:.2g} "
            f"on average ({share(relative)}); {share(self.harmful.mean)} of the examples harm."
        ]
        if self.worst.mean < 0:
            said.append(
                f"Without its most harmful example the loss of a task is {-self.worst.mean:.2g} lower on average."
            )
        if np.isfinite(self.held_out.mean):
            said.append(f"Held out, a support example itself has a loss of {self.held_out.mean:.3g}.")
        return said


def influence(learner: Learner, source: Source, tasks: int = 200, *, first: int = 0, batch: int = 50) -> Influence:
    """Learns every task once from all support examples and once without each of them.

        I_i = L_query(adapt(S without i)) - L_query(adapt(S)),   H_i = L_i(adapt(S without i))

    The influence `I` says what an example is worth to these queries, and needs their labels. The held-out loss `H` says
    whether the others agree with it, and needs none.

    Nothing is approximated: the number of examples is small, and leaving one out is a mask. It is defined for every
    learner. In one-shot tasks the class of an example goes with it, so that every example helps and none agrees.

    Args:
        learner: any learner.
        source: a split of tasks.
        tasks: how many tasks.
        first: number of the first task.
        batch: adaptations held in memory at a time.

    Raises:
        ConfigurationError: where the learner's network cannot see a mask, or a learner cannot do without an example.

    Source: Cook 1977, "Detection of influential observation in linear regression" (deletion); Koh and Liang 2017,
    "Understanding black-box predictions via influence functions", which approximate it.
    """
    demand(tasks, batch)

    def one(task: Task) -> tuple[Tensor, Tensor]:
        support, query = task.support, task.query
        state = learner.adapt(support)
        loss = learner.query_loss(learner.predict(state, query.x, query.mask), query)
        left_out = torch.arange(len(support), device=support.mask.device) == task.index
        own = learner.predict(state, support.x, support.mask | left_out)
        return loss, learner.query_loss(own, Examples(support.x, support.y, left_out, support.ways))

    examples: list[TaskInfluence] = []
    with evaluating(learner), torch.no_grad():
        for chunk in batches(source, first, tasks, batch, device_of(learner)):
            which, left_out = _pairs(chunk)
            parts = [
                learner.map(one, without(chunk, which[at : at + batch], left_out[at : at + batch]))
                for at in range(0, len(which), batch)
            ]
            losses, own = (torch.cat(each).double().cpu().numpy() for each in zip(*parts, strict=True))
            examples += _by_task(chunk, losses, own, which.cpu().numpy(), left_out.cpu().numpy())
    changes = [np.array(task.changes) for task in examples]
    if not all(np.isfinite(each).any() for each in changes):
        raise ConfigurationError(
            f"The query loss of {learner.name} is no finite number where a support example is left out. In one-shot "
            "tasks its class has no example then: a learner that divides by their number should divide by at least 1."
        )
    loss = np.array([task.loss for task in examples])
    held_out = np.array([np.nanmean(task.held_out) for task in examples])
    return Influence(
        examples,
        interval(np.array([(each[np.isfinite(each)] < 0).mean() for each in changes])),
        interval(np.array([np.nanmean(np.abs(each)) for each in changes])),
        interval(np.array([np.nanmin(each) for each in changes])),
        interval(loss),
        interval(held_out),
        tasks,
    )


def without(tasks: Task, which: Tensor, left_out: Tensor) -> Task:
    """A batch with one entry for each pair: task `which[j]` without its support example `left_out[j]`.

    Args:
        tasks: stacked tasks, `N` support rows.
        which: `(P,)` places of tasks in the batch.
        left_out: `(P,)` rows; N leaves out none. They become the numbers of the tasks in the batch, so that what is
            mapped over it knows them.
    """
    chosen = tasks.map(lambda leaf: leaf[which])
    rows = torch.arange(len(tasks.support), device=which.device)
    support = chosen.support
    mask = support.mask & (rows != left_out[:, None])
    return Task(Examples(support.x, support.y, mask, support.ways), chosen.query, left_out)


def _pairs(tasks: Task) -> tuple[Tensor, Tensor]:
    """(task, nothing left out) for every task, then (task, row) for every row that is no padding."""
    mask, count = tasks.support.mask, number_of_tasks(tasks)
    every = torch.arange(count, device=mask.device)
    which, rows = mask.nonzero(as_tuple=True)
    return torch.cat([every, which]), torch.cat([torch.full_like(every, mask.shape[1]), rows])


def _standard(values: Array) -> Array:
    """Standard scores; zero where nothing varies, no number where there is none."""
    spread = np.nanstd(values)
    return np.asarray((values - np.nanmean(values)) / (spread if spread > 0 else 1.0))


def _by_task(tasks: Task, losses: Array, own: Array, which: Array, left_out: Array) -> list[TaskInfluence]:
    count, rows = number_of_tasks(tasks), tasks.support.mask.shape[1]
    changes, held_out = np.full((2, count, rows), np.nan)
    place = which[count:], left_out[count:]
    changes[place] = losses[count:] - losses[which[count:]]
    held_out[place] = own[count:]
    return [
        TaskInfluence(int(index), float(losses[t]), *([float(v) for v in each[t]] for each in (changes, held_out)))
        for t, index in enumerate(tasks.index.tolist())
    ]
