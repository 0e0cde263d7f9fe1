"""Proximal meta-policy search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.optim import Optimizer

from innerloop.errors import TrainingError
from innerloop.rl._algorithm import task_of
from innerloop.rl._course import Round, Sampling
from innerloop.rl._learner import PolicyLearner
from innerloop.rl._losses import Clipped
from innerloop.task import Task


@dataclass(frozen=True)
class ProMP:
    """Some steps of Adam on the clipped surrogate of the adapted policies, and a penalty at the start.

        L(θ) = -mean min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) at adapt(θ) + η KL(π_old || π_θ)

    Args:
        rate: learning rate of Adam.
        steps: steps on each batch of episodes.
        epsilon: ε, how far a probability ratio may go.
        penalty: η.
        clip: largest norm of a gradient; None: no clipping.

    Source: Rothfuss et al. 2019, "ProMP: proximal meta-policy search", algorithm 1 and appendix D.
    """

    rounds: ClassVar[int] = 1
    rate: float = 1e-3
    steps: int = 5
    epsilon: float = 0.3
    penalty: float = 5e-4
    clip: float | None = None

    def begin(self, learner: PolicyLearner) -> Optimizer:
        """Gives the learner its outer loss, and returns the optimiser of its parameters."""
        learner.loss, learner.start_penalty = Clipped(self.epsilon), self.penalty
        return torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=self.rate)

    def update(
        self, learner: PolicyLearner, optimiser: Optimizer, course: list[Round], sampling: Sampling
    ) -> dict[str, float]:
        """One outer step on a course of one adaptation; returns what to log."""
        return self.step(learner, optimiser, task_of(course))

    def step(self, learner: PolicyLearner, optimiser: Optimizer, tasks: Task) -> dict[str, float]:
        """One outer step on a batch of tasks made of episodes; returns what to log.

        Raises:
            TrainingError: if loss or gradient are not finite; the parameters are then those of the last good step.
        """
        first = None
        for _ in range(self.steps):
            outcome = learner(tasks)
            optimiser.zero_grad()
            outcome.loss.backward()
            limit = float("inf") if self.clip is None else self.clip
            norm = nn.utils.clip_grad_norm_(learner.parameters(), limit)
            if not bool(torch.isfinite(outcome.loss) & torch.isfinite(norm)):
                raise TrainingError(
                    f"The outer loss is {float(outcome.loss):.3g} and its gradient's norm {float(norm):.3g}. Lower the "
                    "inner or outer learning rate; a checkpoint that was written before is intact."
                )
            optimiser.step()
            first = float(outcome.loss.detach()) if first is None else first
        return {"loss": first or 0.0, "gradient_norm": float(norm)}
