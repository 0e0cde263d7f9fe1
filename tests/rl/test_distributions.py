"""Likelihoods, divergences and draws agree with torch.distributions."""

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from innerloop.errors import DataError
from innerloop.rl import CategoricalActions, NormalActions, draw, entropy, kl, likeliest, log_prob


def two():
    torch.manual_seed(1)
    return [NormalActions(torch.randn(5, 3), torch.randn(5, 3)) for _ in range(2)]


def as_torch(policy):
    if isinstance(policy, NormalActions):
        return Independent(Normal(policy.mean, policy.log_std.exp()), 1)
    return Categorical(logits=policy.logits)


def test_the_likelihood_is_summed_over_the_dimensions_of_an_action():
    policy, _ = two()
    action = torch.randn(5, 3)
    found = log_prob(policy, action)
    assert torch.allclose(found, as_torch(policy).log_prob(action), atol=1e-5)
    one_by_one = [
        log_prob(NormalActions(*(leaf[:, d : d + 1] for leaf in policy)), action[:, d : d + 1]) for d in range(3)
    ]
    assert torch.allclose(found, sum(one_by_one), atol=1e-5)


@pytest.mark.parametrize(
    "pair", [two(), [CategoricalActions(torch.randn(5, 4)) for _ in range(2)]], ids=["normal", "choice"]
)
def test_divergence_and_entropy(pair):
    old, new = pair
    assert torch.allclose(kl(old, new), kl_divergence(as_torch(old), as_torch(new)), atol=1e-4)
    assert torch.allclose(entropy(old), as_torch(old).entropy(), atol=1e-5)
    assert torch.equal(kl(old, old), torch.zeros(5))


def test_a_choice_is_drawn_in_proportion():
    policy = CategoricalActions(torch.tensor([0.2, 0.5, 0.3]).log().expand(10_000, 3))
    found = draw(policy, (torch.arange(10_000) + 0.5) / 10_000)
    assert torch.allclose(torch.bincount(found) / 10_000, torch.tensor([0.2, 0.5, 0.3]), atol=1e-3)


def test_a_draw_next_to_one_is_still_an_action():
    policy = CategoricalActions(torch.randn(1_000, 7))
    assert draw(policy, torch.full((1_000,), 1 - 2**-24)).max() <= 6


def test_a_number_is_drawn_from_given_noise():
    policy, _ = two()
    assert torch.equal(draw(policy, torch.zeros(5, 3)), policy.mean)
    assert torch.equal(likeliest(policy), policy.mean)


def test_actions_of_the_wrong_shape_or_kind_are_refused():
    with pytest.raises(DataError, match="one shape"):
        log_prob(two()[0], torch.zeros(5, 2))
    with pytest.raises(DataError, match="one whole number"):
        log_prob(CategoricalActions(torch.zeros(5, 2)), torch.zeros(5, 2))
