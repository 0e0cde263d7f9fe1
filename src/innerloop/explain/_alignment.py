"""Do gradients point the same way, within a task and across tasks; and what does second order add?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.evaluation import Interval, interval
from innerloop.explain._analysis import Analysis
from innerloop.explain._over_tasks import Array, demand_steps, joined, over_tasks
from innerloop.explain._words import plus_minus, share
from innerloop.gradient import GradientState
from innerloop.gradient._optimisers import Parameters
from innerloop.learner import Learner
from innerloop.mapping import gradient
from innerloop.task import Source, Task

_FEW = 10
"""Tasks whose gradients are in memory at a time."""


@dataclass(frozen=True)
class Alignment(Analysis):
    """Directions of gradients at the start of adaptation.

    Attributes:
        within: cosine of the support and the query gradient of a task: above zero, learning the one helps the other.
        across: cosine of the query gradients of two tasks, mean over disjoint pairs.
        second_order: `‖J'v - v‖ / ‖v‖`: what first-order MAML leaves out of the meta-gradient, in parts of what it
            keeps.
        tasks: tasks behind the means.
    """

    within: Interval
    across: Interval
    second_order: Interval
    tasks: int

    @property
    def sentences(self) -> list[str]:
        """The two cosines and the size of the second order."""
        said = [
            f"At the start the support and the query gradient of a task have a cosine of {plus_minus(self.within)}, "
            f"the query gradients of two tasks one of {plus_minus(self.across)}."
        ]
        if np.isfinite(self.second_order.mean):
            said.append(
                f"What a first-order meta-gradient leaves out is {share(self.second_order.mean)} as large as what it "
                "keeps."
            )
        return said


def alignment(learner: Learner, source: Source, tasks: int = 200, *, first: int = 0, batch: int = 50) -> Alignment:
    """Cosines of gradients with respect to what adapts, and the size of the second-order part of the meta-gradient.

        within = cos(∇L_support(θ), ∇L_query(θ)),   across = cos(∇L_query,i(θ), ∇L_query,j(θ))
        v = ∇L_query(θ_K),   J = ∂θ_K/∂θ,   second order = ‖J'v - v‖ / ‖v‖

    Args:
        learner: a gradient learner.
        source: a split of tasks.
        tasks: how many tasks.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: for a learner without gradient steps.

    Source: Nichol, Achiam and Schulman 2018, section 5 (the inner product of gradients); Finn et al. 2017, section
    5.2 (second order).
    """
    found = demand_steps(learner, "it has no gradients to compare")

    def one(task: Task) -> dict[str, Tensor]:
        start = found.start(task.support)

        def judged(state: GradientState) -> Callable[[Parameters], Tensor]:
            def loss(parameters: Parameters) -> Tensor:
                there = found._with_statistics(state._replace(parameters=parameters), task.support)
                return found.query_loss(found.predict(there, task.query.x, task.query.mask), task.query)

            return loss

        def end(parameters: Parameters) -> Parameters:
            state = start._replace(parameters=parameters)
            for _ in range(found.test_steps):
                state = found.step(state, task.support, keep_graph=True)
            return state.parameters

        support, _ = gradient(
            lambda p: found._support_loss(p, task.support, None, start), start.parameters, differentiable=False
        )
        query, _ = gradient(judged(start), start.parameters, differentiable=False)
        adapted = found.adapt(task.support)
        kept, _ = gradient(judged(adapted), adapted.parameters, differentiable=False)
        whole, _ = gradient(
            lambda p: torch.stack([(q * kept[n]).sum() for n, q in end(p).items()]).sum(),
            start.parameters,
            differentiable=False,
        )
        left_out = _flat({n: whole[n] - kept[n] for n in kept})
        return {
            "query": _flat(query),
            "within": torch.cosine_similarity(_flat(support), _flat(query), dim=0),
            "second": left_out.norm() / _flat(kept).norm(),
        }

    parts = over_tasks(
        learner, source, tasks, one, first=first, batch=min(batch, _FEW),
        reduce=lambda part: {**part, "query": _pairs(part["query"].astype(float))},
    )  # fmt: skip
    within, across, second = (_known(joined(parts, name)) for name in ("within", "query", "second"))
    return Alignment(within, across, second, tasks)


def _flat(parameters: Parameters) -> Tensor:
    return torch.cat([p.flatten() for p in parameters.values()])


def _pairs(gradients: Array) -> Array:
    """Cosines of rows 0 and 1, 2 and 3, ...: each task is in one pair, so that the pairs are independent."""
    size = np.linalg.norm(gradients, axis=1, keepdims=True)
    unit = gradients / np.where(size > 0, size, 1.0)
    even = len(unit) // 2 * 2
    return np.asarray((unit[0:even:2] * unit[1:even:2]).sum(1))


def _known(values: Array) -> Interval:
    # a gradient of zero has no direction
    known = values[np.isfinite(values)]
    return interval(known) if len(known) else Interval(float("nan"), float("nan"))
