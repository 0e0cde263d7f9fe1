"""The first derivative of every loss is the policy gradient; the second is exact where the paper says so."""

import pytest
import torch

from helpers.bandit import derivatives, every_episode, expected_return, policy
from innerloop.errors import ConfigurationError, DataError
from innerloop.rl import CategoricalActions, Clipped, Decisions, dice, log_prob, lvc, reinforce
from innerloop.task import Examples

THETA = torch.tensor(0.3, dtype=torch.float64)


def of(loss, examples):
    return lambda theta: loss(policy(theta, len(examples)), examples).sum()


@pytest.mark.parametrize("loss", [reinforce, lvc, dice, Clipped()])
@pytest.mark.parametrize("pulls", [1, 2, 3])
def test_the_first_derivative_is_the_policy_gradient(loss, pulls):
    exact, _ = derivatives(lambda theta: expected_return(theta, pulls), THETA)
    found, _ = derivatives(of(loss, every_episode(THETA, pulls)), THETA)
    assert found == pytest.approx(-exact, rel=1e-10)


@pytest.mark.parametrize("loss", [lvc, dice])
def test_the_second_derivative_of_one_pull_is_exact(loss):
    _, exact = derivatives(lambda theta: expected_return(theta, 1), THETA)
    _, found = derivatives(of(loss, every_episode(THETA, 1)), THETA)
    assert found == pytest.approx(-exact, rel=1e-10)
    assert abs(exact) > 0.01


@pytest.mark.parametrize("pulls", [2, 3])
def test_dice_is_exact_over_several_steps_too(pulls):
    _, exact = derivatives(lambda theta: expected_return(theta, pulls), THETA)
    _, found = derivatives(of(dice, every_episode(THETA, pulls)), THETA)
    assert found == pytest.approx(-exact, rel=1e-10)


def test_lvc_leaves_out_what_one_step_does_to_another():
    _, exact = derivatives(lambda theta: expected_return(theta, 2), THETA)
    _, found = derivatives(of(lvc, every_episode(THETA, 2)), THETA)
    assert found != pytest.approx(-exact, rel=1e-2)


def test_reinforce_has_another_second_derivative():
    _, exact = derivatives(lambda theta: expected_return(theta, 1), THETA)
    _, found = derivatives(of(reinforce, every_episode(THETA, 1)), THETA)
    assert found != pytest.approx(-exact, rel=1e-2)


def test_the_ratio_is_one_at_the_policy_that_acted():
    examples = every_episode(THETA, 2)
    at = policy(THETA, len(examples))
    assert torch.equal(-lvc(at, examples), examples.y.advantage)
    assert torch.equal(-Clipped()(at, examples), examples.y.advantage)


def test_a_clipped_ratio_has_no_gradient():
    old = CategoricalActions(torch.zeros(1, 2))
    y = Decisions(torch.tensor([0]), torch.ones(1), log_prob(old, torch.tensor([0])), old, torch.tensor([0]))
    logits = torch.tensor([[2.0, 0.0]], requires_grad=True)  # ratio 1.76
    Clipped(0.2)(CategoricalActions(logits), Examples(torch.zeros(1, 1), y)).sum().backward()
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize("loss", [reinforce, lvc, dice, Clipped()])
def test_padding_changes_nothing(loss):
    from innerloop.losses import mean_loss
    from innerloop.task import pad

    examples = every_episode(THETA, 2)
    theta = THETA.clone().requires_grad_()

    def gradients(examples):
        value = mean_loss(loss, policy(theta, len(examples)), examples)
        (first,) = torch.autograd.grad(value, theta, create_graph=True)
        (second,) = torch.autograd.grad(first, theta)
        return torch.stack([value.detach(), first.detach(), second])

    assert torch.allclose(gradients(examples), gradients(pad(examples, 13)), rtol=1e-12)


def test_examples_that_are_not_episodes_are_refused():
    with pytest.raises(DataError, match=r"Trajectories\.examples"):
        lvc(policy(THETA, 1), Examples(torch.zeros(1, 1), torch.zeros(1)))


@pytest.mark.parametrize("epsilon", [0, 1, -0.1])
def test_an_epsilon_that_cannot_be_is_refused(epsilon):
    with pytest.raises(ConfigurationError, match="epsilon"):
        Clipped(epsilon)
