"""A trust region for the policies after adaptation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from innerloop.errors import TrainingError
from innerloop.gradient import conjugate_gradients
from innerloop.rl._algorithm import task_of
from innerloop.rl._course import Round, Sampling
from innerloop.rl._learner import PolicyLearner
from innerloop.rl._losses import lvc
from innerloop.rl._over_tasks import over_tasks
from innerloop.task import Task

Named = dict[str, Tensor]


@dataclass(frozen=True)
class TRPO:
    """The largest step within a trust region, along the natural gradient of the outer loss.

        x = H^-1 g,   θ <- θ - β^j sqrt(2 δ / x'Hx) x,   H = second derivative of mean KL(old || new)

    at `adapt(θ)`, second order or first as the learner is. The line search takes the first `j` with a smaller loss
    and a mean KL below δ; if there is none, θ stays.

    Args:
        delta: δ, the largest mean KL in nats.
        products: products with H in the conjugate gradients.
        damping: added to the diagonal of H.
        shrink: β.
        tries: how many steps the line search tries.

    Source: Schulman et al. 2015, "Trust region policy optimization", appendix C; Finn, Abbeel and Levine 2017.
    """

    rounds: ClassVar[int] = 1
    delta: float = 0.01
    products: int = 10
    damping: float = 1e-5
    shrink: float = 0.8
    tries: int = 15

    def begin(self, learner: PolicyLearner) -> Optimizer:
        """Gives the learner its outer loss, and returns what moves its parameters: by what stands in `grad`."""
        learner.loss, learner.start_penalty = lvc, 0.0
        return torch.optim.SGD([p for p in learner.parameters() if p.requires_grad], lr=1.0)

    def update(
        self, learner: PolicyLearner, optimiser: Optimizer, course: list[Round], sampling: Sampling
    ) -> dict[str, float]:
        """One outer step on a course of one adaptation; returns what to log."""
        return self.step(learner, optimiser, task_of(course))

    def step(self, learner: PolicyLearner, optimiser: Optimizer, tasks: Task) -> dict[str, float]:
        """One outer step on a batch of tasks made of episodes; returns what to log.

        Raises:
            TrainingError: if loss or step are not finite; the parameters are then as they were.
        """
        parameters = {name: p for name, p in learner.named_parameters() if p.requires_grad}
        optimiser.zero_grad()
        outcome = learner(tasks)
        outcome.loss.backward()
        slope = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
        product = self.curvature(learner, tasks)
        direction = conjugate_gradients(product, slope, self.products)
        bend = _dot(direction, product(direction))
        length = torch.sqrt(2 * self.delta / bend)
        before = float(outcome.loss.detach())
        if not bool(torch.isfinite(length)) and any(bool(s.any()) for s in slope.values()):
            raise TrainingError(
                f"The outer loss is {before:.3g} and its step's length {float(length):.3g}. Lower the inner learning "
                "rate or raise the damping; a checkpoint that was written before is intact."
            )
        start = {name: p.detach().clone() for name, p in parameters.items()}
        for attempt in range(self.tries if bool(torch.isfinite(length)) else 0):
            scale = float(length) * self.shrink**attempt
            for name, p in parameters.items():
                p.data.copy_(start[name])
                p.grad = scale * direction[name]
            optimiser.step()
            loss, apart = judge(learner, tasks)
            if loss < before and apart < self.delta:
                return {"loss": before, "improvement": before - loss, "divergence": apart, "tries": float(attempt + 1)}
        for name, p in parameters.items():
            p.data.copy_(start[name])
        return {"loss": before, "improvement": 0.0, "divergence": 0.0, "tries": float(self.tries)}

    def curvature(self, learner: PolicyLearner, tasks: Task) -> Callable[[Named], Named]:
        """Products of a direction with `H + damping I`, by differentiating twice; the graph is made once."""
        parameters = {name: p for name, p in learner.named_parameters() if p.requires_grad}
        apart = over_tasks(learner.divergence_after, tasks, mapping=learner.mapping_for(tasks)).mean()
        slope = torch.autograd.grad(apart, list(parameters.values()), create_graph=True)

        def product(direction: Named) -> Named:
            along = _dot(dict(zip(parameters, slope, strict=True)), direction)
            found = torch.autograd.grad(along, list(parameters.values()), retain_graph=True)
            return {n: f + self.damping * direction[n] for n, f in zip(parameters, found, strict=True)}

        return product


def judge(learner: PolicyLearner, tasks: Task) -> tuple[float, float]:
    """Outer loss and mean KL(old || new) of the adapted policies, without gradients."""
    loss, apart = learner.map(learner.judged_after, tasks)
    return float(loss.mean()), float(apart.mean())


def _dot(a: Named, b: Named) -> Tensor:
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()
