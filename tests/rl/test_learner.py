"""The library's gradient learner adapts a policy: the step is the policy gradient's, and its own gradient exact."""

import pytest
import torch

from helpers.policies import INDICES, in_double, learner_of, tasks_of
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.rl import (
    TRPO,
    Navigation,
    Policies,
    ProMP,
    collect,
    episode_keys,
    kl,
    log_prob,
)
from innerloop.task import Task, pad, stack, take


def test_a_step_is_the_policy_gradient_written_out():
    learner = learner_of(inner_lr=0.2)
    task = take(tasks_of(learner), 0)
    found = learner.adapt(task.support).parameters
    policy = learner.network(task.support.x)
    loss = -(log_prob(policy, task.support.y.action) * task.support.y.advantage).mean()
    names, before = zip(*learner.network.named_parameters(), strict=True)
    for name, p, slope in zip(names, before, torch.autograd.grad(loss, before), strict=True):
        assert torch.allclose(found[name], p - 0.2 * slope, atol=1e-6)


# dice is left out: its derivatives are estimates of the return's and not those of its own value (see test_losses)
@pytest.mark.parametrize("inner_loss", ["lvc", "reinforce"])
@pytest.mark.parametrize("algorithm", [ProMP(penalty=0.3), TRPO()], ids=["promp", "trpo"])
def test_the_meta_gradient_agrees_with_finite_differences(inner_loss, algorithm):
    learner = learner_of(inner_loss, inner_lr=0.5).double()
    tasks = in_double(tasks_of(learner_of(inner_loss, inner_lr=0.5)))
    algorithm.begin(learner)
    with torch.no_grad():  # away from the old policy: ratios and divergences are not trivial
        for p in learner.parameters():
            p.add_(0.02 * torch.randn_like(p))
    learner(tasks).loss.backward()
    for p in learner.parameters():
        flat, slope = p.data.view(-1), p.grad.view(-1)
        for place in (0, flat.numel() - 1):
            values = []
            for sign in (1, -1):
                flat[place] += sign * 1e-5
                with torch.no_grad():
                    values.append(float(learner(tasks).loss))
                flat[place] -= sign * 1e-5
            assert float(slope[place]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_side_by_side_is_one_by_one():
    learner = learner_of()
    tasks = tasks_of(learner)
    ProMP(penalty=0.1).begin(learner)
    found = []
    for vectorise in (True, False):
        learner.mapping = Mapping(vectorise=vectorise)
        learner.zero_grad()
        outcome = learner(tasks)
        outcome.loss.backward()
        found.append([outcome.losses, *(p.grad.clone() for p in learner.parameters())])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("vectorise", [True, False])
def test_adapted_policies_act_as_their_states_say(vectorise):
    learner = learner_of()
    tasks = tasks_of(learner)
    policies = Policies(learner, mapping=Mapping(vectorise=vectorise)).adapted(tasks.support)
    seen = torch.randn(3, 2, 2)
    found = policies(seen)
    twice = policies.adapted(tasks.query)
    for task in range(3):
        own = take(tasks, task)
        state = learner.adapt(own.support)
        assert torch.allclose(found.mean[task], learner.predict(state, seen[task]).mean, atol=1e-6)
        again = learner.adapt(own.query, state)
        assert torch.allclose(twice(seen).mean[task], learner.predict(again, seen[task]).mean, atol=1e-6)
        assert torch.allclose(policies.alone(task)(seen[task : task + 1]).mean[0], found.mean[task], atol=1e-6)
    assert twice.state.steps == 2


def test_padded_steps_change_nothing():
    learner = learner_of()
    tasks = tasks_of(learner)
    ProMP(penalty=0.1).begin(learner)
    padded = stack([Task(pad(t.support, 20), pad(t.query, 17), t.index) for t in (take(tasks, i) for i in range(3))])
    found = []
    for each in (tasks, padded):
        learner.zero_grad()
        outcome = learner(each)
        outcome.loss.backward()
        found.append([outcome.losses, *(p.grad.clone() for p in learner.parameters())])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True))


def test_ratio_one_and_divergence_zero_at_the_old_policy():
    learner = learner_of()
    tasks = tasks_of(learner)
    for task in (take(tasks, i) for i in range(3)):
        policy = learner.network(task.support.x)
        assert torch.allclose(log_prob(policy, task.support.y.action), task.support.y.log_prob, atol=1e-5)
        assert kl(task.support.y.policy, policy).abs().max() < 1e-6
        adapted = learner.predict(learner.adapt(task.support), task.query.x)
        assert torch.allclose(log_prob(adapted, task.query.y.action), task.query.y.log_prob, atol=1e-4)
        assert float(learner.divergence_after(task).detach()) == pytest.approx(0, abs=1e-6)


def test_the_same_keys_give_the_same_episodes_and_others_do_not():
    learner, family = learner_of(), Navigation(5).train
    first, again = (collect(Policies(learner), family, INDICES, episode_keys(0, 1, 0, INDICES, 4)) for _ in range(2))
    assert torch.equal(first.action, again.action)
    other = collect(Policies(learner), family, INDICES, episode_keys(1, 1, 0, INDICES, 4))
    assert not torch.equal(first.action, other.action)
    fewer = collect(Policies(learner), family, INDICES[:2], episode_keys(0, 1, 0, INDICES[:2], 3))
    assert torch.allclose(fewer.action, first.action[:2, :3], atol=1e-6)  # an episode does not know its neighbours


def test_an_unknown_inner_loss_is_refused():
    with pytest.raises(ConfigurationError, match="lvc, reinforce, dice"):
        learner_of("ppo")
