"""What one would do without meta-learning: one policy for all tasks, and policy gradients on the task that comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.optim import Optimizer

from innerloop.errors import TrainingError
from innerloop.gradient import GradientState
from innerloop.losses import mean_loss
from innerloop.rl._course import Round, Sampling
from innerloop.rl._learner import PolicyLearner
from innerloop.rl._losses import Clipped
from innerloop.task import Examples


@dataclass(frozen=True)
class Pooled:
    """Pretraining on the episodes of all tasks: the policy is judged as it is, before any adaptation.

        L(θ) = -mean min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) at θ

    The learner is one from `maml_policy`, so `evaluate_policy` fine-tunes it by the same policy gradient, with the same
    episodes to learn from as its rivals. Choose its inner learning rate on the validation split.

    Args:
        rate: learning rate of Adam.
        steps: steps on each batch of episodes.
        epsilon: ε, how far a probability ratio may go.
    """

    rounds: ClassVar[int] = 0
    rate: float = 1e-3
    steps: int = 5
    epsilon: float = 0.2

    def begin(self, learner: PolicyLearner) -> Optimizer:
        """The optimiser of the parameters."""
        return torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=self.rate)

    def update(
        self, learner: PolicyLearner, optimiser: Optimizer, course: list[Round], sampling: Sampling
    ) -> dict[str, float]:
        """One outer step on episodes of the policy; returns what to log.

        Raises:
            TrainingError: if the loss is not finite.
        """
        found = course[0].examples
        assert found is not None
        flat: Examples = found.map(lambda leaf: leaf.flatten(0, 1))
        first = None
        for _ in range(self.steps):
            loss = mean_loss(Clipped(self.epsilon), learner.predict(GradientState({}), flat.x), flat)
            if not bool(torch.isfinite(loss.detach())):
                raise TrainingError(f"The loss is {float(loss.detach()):.3g}. Lower the learning rate.")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            first = float(loss.detach()) if first is None else first
        return {"loss": first or 0.0}
