"""Gradient-based meta-reinforcement learning: the library's gradient learner on episodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD, FirstOrder, GradientLearner, GradientState, InnerOptimiser
from innerloop.learner import Objective
from innerloop.losses import Loss, mean_loss
from innerloop.rl._course import Round, Sampling, When, gradient_course
from innerloop.rl._distributions import kl
from innerloop.rl._environments import Environments
from innerloop.rl._losses import decisions, dice, lvc, reinforce
from innerloop.rl._policies import Policies
from innerloop.task import Examples, Task

INNER = {"lvc": lvc, "reinforce": reinforce, "dice": dice}
"""Inner losses by name."""


class PolicyLearner(GradientLearner):
    """A gradient learner of a policy; what it adds is the KL penalty of ProMP, and divergences for a trust region.

        L(θ) = mean over tasks of  L_query(adapt(θ, support)) + η KL(π_old || π_θ on the support's observations)

    Attributes:
        start_penalty: η, 0 unless an algorithm sets it.
    """

    family = "gradient"

    def __init__(self, network: nn.Module, **arguments: Any):
        super().__init__(network, **arguments)
        self.start_penalty = 0.0

    def course(
        self, environments: Environments, indices: Tensor, when: When, rounds: int, sampling: Sampling
    ) -> Iterator[Round]:
        """Episodes before and after each of some adaptations, every round with new episodes."""
        return gradient_course(Policies(self, mapping=self.mapping), environments, indices, when, rounds, sampling)

    def visible(self, mask: Tensor | None) -> None:
        """No mask for the network: policies have no norm layers (norm="none"), which alone would look at it."""

    def objective(self, task: Task) -> Objective:
        """Outer loss after adaptation, and the penalty on how far the policy before adaptation has moved."""
        found = super().objective(task)
        if not self.start_penalty:
            return found
        policy = self.predict(GradientState({}), task.support.x, task.support.mask)
        penalty = self.start_penalty * mean_loss(divergence, policy, task.support)
        return found._replace(surrogate=found.surrogate + penalty, loss=found.loss + penalty)

    def divergence_after(self, task: Task) -> Tensor:
        """`KL(old || new)` of the adapted policy on the query's observations, a scalar with its graph."""
        return self.judged_after(task)[1]

    def judged_after(self, task: Task) -> tuple[Tensor, Tensor]:
        """Outer loss and `KL(old || new)` of the adapted policy on the query, scalars with their graph."""
        policy = self.predict(self.adapt(task.support), task.query.x, task.query.mask)
        return self.query_loss(policy, task.query), mean_loss(divergence, policy, task.query)


def divergence(policy: Any, examples: Examples) -> Tensor:
    """`KL(old || new)` in every row: from the policy that drew the actions to this one."""
    return kl(decisions(examples).policy, policy)


def maml_policy(
    network: nn.Module,
    *,
    inner_lr: float = 0.1,
    inner_steps: int = 1,
    inner_loss: str | Loss = "lvc",
    first_order: bool = False,
    optimiser: InnerOptimiser | None = None,
) -> PolicyLearner:
    """MAML for a policy: some steps of policy gradient on a task's own episodes.

    The outer loss belongs to the algorithm that trains it, `ProMP` or `TRPO`. In training all inner steps use the same
    episodes, weighted by the probability ratio where the loss is `lvc`; `evaluate_policy` draws new ones for each step.

    Args:
        network: a policy, such as `policy_for(environment)`.
        inner_lr: the inner learning rate.
        inner_steps: inner steps in training.
        inner_loss: "lvc", "reinforce" or "dice" (what the gradient through the step sees; see their documentation),
            or a loss on `Decisions`.
        first_order: the outer gradient takes the inner step for a constant.
        optimiser: the inner optimiser; None: gradient descent with `inner_lr`.

    Returns:
        a learner for `innerloop.rl.train`.

    Raises:
        ConfigurationError: if there is no such inner loss.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning", section 3.2.

    >>> from innerloop.rl import GaussianPolicy
    >>> maml_policy(GaussianPolicy(2, 2)).steps
    1
    """
    if isinstance(inner_loss, str) and inner_loss not in INNER:
        raise ConfigurationError(f"There is no inner loss {inner_loss!r}; there are {', '.join(INNER)}.")
    learner = PolicyLearner(
        network,
        optimiser=SGD(inner_lr) if optimiser is None else optimiser,
        outer_gradient=FirstOrder() if first_order else None,
        steps=inner_steps,
        loss=lvc,
        inner_loss=INNER[inner_loss] if isinstance(inner_loss, str) else inner_loss,
        norm="none",
    )
    spec = getattr(network, "spec", None)
    if spec is not None and optimiser is None and isinstance(inner_loss, str):
        arguments = {"inner_lr": inner_lr, "inner_steps": inner_steps, "inner_loss": inner_loss}
        learner.spec = {"method": "maml_policy", "network": spec, "arguments": arguments | {"first_order": first_order}}
    learner.name = "MAML policy" if not first_order else "first-order MAML policy"
    return learner
