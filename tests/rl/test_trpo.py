"""Products with the curvature against the dense matrix; the line search keeps within its bound, or goes nowhere."""

import pytest
import torch

from helpers.policies import in_double, learner_of, tasks_of
from innerloop.rl import TRPO, kl, log_prob
from innerloop.rl._trpo import judge
from innerloop.task import take


@pytest.mark.parametrize("first_order", [False, True])
def test_products_are_those_of_the_dense_hessian(first_order):
    learner = learner_of(first_order=first_order, inner_lr=0.3).double()
    tasks = in_double(tasks_of(learner_of(first_order=first_order, inner_lr=0.3)))
    own = {name.removeprefix("network."): p.detach() for name, p in learner.named_parameters()}

    def as_named(theta):
        parts = theta.split([p.numel() for p in own.values()])
        return {name: part.view_as(p) for (name, p), part in zip(own.items(), parts, strict=True)}

    def apart(theta):
        """The mean divergence, with nothing of the library's inner loop."""
        total = 0.0
        for task in (take(tasks, i) for i in range(3)):

            def inner(p, task=task):
                policy = torch.func.functional_call(learner.network, p, (task.support.x,))
                done = task.support.y
                return -((log_prob(policy, done.action) - done.log_prob).exp() * done.advantage).mean()

            p = as_named(theta)
            slope = torch.func.grad(inner)(own if first_order else p)
            adapted = {name: p[name] - 0.3 * slope[name] for name in p}
            policy = torch.func.functional_call(learner.network, adapted, (task.query.x,))
            total = total + kl(task.query.y.policy, policy).mean() / 3
        return total

    theta = torch.cat([p.flatten() for p in own.values()])
    dense = torch.func.jacrev(torch.func.jacrev(apart))(theta)
    product = TRPO(damping=0.1).curvature(learner, tasks)
    for _ in range(3):
        v = torch.randn_like(theta)
        found = product({f"network.{name}": part for name, part in as_named(v).items()})
        assert torch.allclose(torch.cat([p.flatten() for p in found.values()]), dense @ v + 0.1 * v, rtol=1e-6)


@pytest.mark.parametrize("delta", [1e-4, 1e-2, 0.1])
def test_a_step_that_is_taken_lowers_the_loss_and_stays_within_the_bound(delta):
    learner = learner_of()
    tasks, algorithm = tasks_of(learner, horizon=10, episodes=4), TRPO(delta=delta)
    optimiser = algorithm.begin(learner)
    before, _ = judge(learner, tasks)
    said = algorithm.step(learner, optimiser, tasks)
    after, apart = judge(learner, tasks)
    assert after < before
    assert 0 < apart < delta
    assert said["divergence"] == pytest.approx(apart)


def test_without_an_acceptable_step_nothing_moves():
    learner = learner_of()
    tasks = tasks_of(learner)
    algorithm = _NeverSatisfied(tries=3)
    optimiser = algorithm.begin(learner)
    start = [p.detach().clone() for p in learner.parameters()]
    said = algorithm.step(learner, optimiser, tasks)
    assert said["improvement"] == 0
    assert all(torch.equal(a, p) for a, p in zip(start, learner.parameters(), strict=True))


class _NeverSatisfied(TRPO):
    """Believes in hardly any curvature, so that each of its few steps is far beyond the bound."""

    def curvature(self, learner, tasks):
        return lambda direction: {name: 1e-9 * value for name, value in direction.items()}
