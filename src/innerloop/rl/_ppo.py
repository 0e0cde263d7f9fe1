"""Proximal policy optimisation of a recurrent policy over whole trials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

from innerloop.errors import TrainingError
from innerloop.losses import mean_loss
from innerloop.rl._advantages import advantages
from innerloop.rl._course import Round, Sampling
from innerloop.rl._distributions import entropy
from innerloop.rl._losses import Clipped
from innerloop.rl._rl2 import RL2, inputs_of, trial_of


@dataclass(frozen=True)
class PPO:
    """Some passes over the trials, in parts, with Adam on the clipped surrogate and a bonus for entropy.

        L(θ) = -mean min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) - c mean H(π)

    Every part holds whole trials, so that the gradient passes through all of the memory. A trial counts as one long
    episode: advantages look beyond the episodes in it.

    Args:
        rounds: episodes of a trial after the first; 0 where everything happens within one, as with bandits.
        rate: learning rate of Adam.
        passes: how often all trials are seen.
        parts: into how many parts they are split.
        epsilon: ε, how far a probability ratio may go.
        entropy: c.
        clip: largest norm of a gradient.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms".
    """

    rounds: int = 0
    rate: float = 1e-3
    passes: int = 4
    parts: int = 4
    epsilon: float = 0.2
    entropy: float = 0.01
    clip: float = 1.0

    def begin(self, learner: RL2) -> Optimizer:
        """The optimiser of the parameters."""
        return torch.optim.Adam(learner.parameters(), lr=self.rate)

    def update(self, learner: RL2, optimiser: Optimizer, course: list[Round], sampling: Sampling) -> dict[str, float]:
        """One outer step on a course; returns what to log.

        Raises:
            TrainingError: if loss or gradient are not finite.
        """
        trial, begins = trial_of(course)
        examples = trial.examples(advantages(trial, sampling.discount, sampling.trace))
        inputs = inputs_of(learner, trial, begins).flatten(0, 1)
        count, length = inputs.shape[:2]
        # one row per trial: (T, E L, ...) -> (T E, L, ...)
        rows = examples.map(lambda leaf: leaf.unflatten(1, (-1, length)).flatten(0, 1))
        losses = []
        for _ in range(self.passes):
            for part in range(min(self.parts, count)):
                chosen = torch.arange(part, count, self.parts)
                own = rows.map(partial(_of_trials, chosen))
                policy, _ = learner(inputs[chosen])
                policy = pytree.tree_map(lambda leaf: leaf.flatten(0, 1), policy)
                surprise = mean_loss(lambda policy, _: entropy(policy), policy, own)
                loss = mean_loss(Clipped(self.epsilon), policy, own) - self.entropy * surprise
                optimiser.zero_grad()
                loss.backward()
                norm = nn.utils.clip_grad_norm_(learner.parameters(), self.clip)
                if not bool(torch.isfinite(loss.detach()) & torch.isfinite(norm)):
                    raise TrainingError(
                        f"The loss is {float(loss.detach()):.3g} and its gradient's norm {float(norm):.3g}. Lower the "
                        "learning rate; a checkpoint that was written before is intact."
                    )
                optimiser.step()
                losses.append(float(loss.detach()))
        return {"loss": sum(losses) / len(losses), "entropy": float(surprise.detach()), "gradient_norm": float(norm)}


def _of_trials(chosen: Tensor, leaf: Tensor) -> Tensor:
    return leaf[chosen].flatten(0, 1)
