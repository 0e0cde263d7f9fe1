"""Pooled pretraining makes the policy better as it is."""

import pytest
import torch

from innerloop.errors import TrainingError
from innerloop.rl import (
    GaussianPolicy,
    NavigationTasks,
    Pooled,
    Sampling,
    When,
    evaluate_policy,
    log_prob,
    maml_policy,
    train,
)


class OneGoal(NavigationTasks):
    """All tasks have the same goal, so that one policy can be right in all."""

    def goals(self, indices):
        return torch.tensor([0.3, -0.2]).expand(len(indices), 2)


def learner_of(std=0.2):
    torch.manual_seed(1)
    return maml_policy(GaussianPolicy(2, 2, (8,), std=std))


def test_one_policy_learns_what_all_tasks_share():
    family, learner, sampling = OneGoal(horizon=10), learner_of(), Sampling(episodes=4)
    before = evaluate_policy(learner, family, 10, rounds=0).curve[0]
    train(learner, family, algorithm=Pooled(rate=1e-2), iterations=20, tasks=8, sampling=sampling, progress=False)
    after = evaluate_policy(learner, family, 10, rounds=0).curve[0]
    assert after.mean > before.mean + 0.5


def test_the_first_gradient_is_the_policy_gradient_over_all_steps():
    family, learner, sampling = NavigationTasks(horizon=5), learner_of(), Sampling(episodes=2)
    course = list(learner.course(family, torch.arange(3), When(0, 0), 0, sampling))
    before = [p.detach().clone() for p in learner.parameters()]

    class Plain(Pooled):
        def begin(self, learner):
            return torch.optim.SGD(learner.parameters(), lr=0.5)

    Plain(steps=1).update(learner, Plain().begin(learner), course, sampling)
    moved = [p.detach() - b for p, b in zip(learner.parameters(), before, strict=True)]
    again = learner_of()
    found = course[0].examples
    loss = -(log_prob(again.network(found.x), found.y.action) * found.y.advantage)[found.mask].mean()
    for m, slope in zip(moved, torch.autograd.grad(loss, list(again.parameters())), strict=True):
        assert torch.allclose(m, -0.5 * slope, atol=1e-6)


def test_a_policy_that_diverged_stops():
    learner = learner_of()
    course = list(learner.course(NavigationTasks(horizon=5), torch.arange(3), When(0, 0), 0, Sampling(episodes=2)))
    with torch.no_grad():
        learner.network.log_std.fill_(float("nan"))
    algorithm = Pooled()
    with pytest.raises(TrainingError, match="loss is nan"):
        algorithm.update(learner, algorithm.begin(learner), course, Sampling())
