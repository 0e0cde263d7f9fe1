import numpy as np
import pytest
import torch

from helpers.problems import convolutional, perceptron
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.explain import Rates, learned_rates


def test_a_rate_for_every_number():
    learner = methods.meta_sgd(perceptron(), inner_lr=0.3)
    with torch.no_grad():
        learner.optimiser.rates["head/bias"].copy_(torch.tensor([-0.1, 0.2, 0.5]))
    found = learned_rates(learner)
    row = next(rate for rate in found.rates if rate.name == "head.bias")
    assert (row.step, row.count) == (None, 3)
    assert (row.mean, row.low, row.high, row.negative) == pytest.approx((0.2, -0.1, 0.5, 1 / 3))
    numbers = sum(p.numel() for p in learner.network.parameters())
    assert found.negative == pytest.approx(1 / numbers)
    assert found.start == 0.3
    assert "of them are negative" in found.sentences[1]
    assert Rates.from_json(found.to_json()).to_json() == found.to_json()


def test_a_rate_for_every_tensor_and_step():
    learner = methods.maml_plus_plus(convolutional(), inner_steps=3, inner_lr=0.1)
    with torch.no_grad():
        learner.optimiser.rates["head/weight"].copy_(torch.tensor([0.1, 0.4, 0.0]))
    found = learned_rates(learner)
    rows = [rate for rate in found.rates if rate.name == "head.weight"]
    assert [(rate.step, round(rate.mean, 6)) for rate in rows] == [(1, 0.1), (2, 0.4), (3, 0.0)]
    assert "head.weight in step 2 (mean 0.4)" in found.sentences[0]
    assert found.sentences[1] == "None of them is negative."


def test_curvature_is_the_spectrum_of_the_whole_matrix():
    torch.manual_seed(0)
    learner = methods.meta_curvature(convolutional(), inner_lr=0.5)
    with torch.no_grad():
        for matrix in learner.optimiser.metric.values():
            matrix.add_(0.8 * torch.randn_like(matrix))
    found = learned_rates(learner)
    assert found.kind == "curvature"
    name = "features.0.weight"  # (3, 1, 3, 3): M_out (3, 3), M_in (1, 1), M_f (9, 9)
    out, into, kernel = (learner.optimiser.metric[f"features/0/weight:{axis}"].detach().numpy() for axis in range(3))
    # column by column, what the optimiser does to a gradient
    columns = [
        learner.optimiser._curved(name, torch.eye(27, dtype=torch.float64)[i].view(3, 1, 3, 3)).flatten()
        for i in range(27)
    ]
    whole = torch.stack(columns, dim=1).detach().numpy()
    assert np.allclose(whole, np.kron(np.kron(out, into), kernel))
    expected = 0.5 * np.linalg.eigvals(whole).real
    row = next(rate for rate in found.rates if rate.name == name)
    assert (row.mean, row.low, row.high) == pytest.approx((expected.mean(), expected.min(), expected.max()))
    assert row.negative == pytest.approx((expected < 0).mean())


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        (lambda: methods.maml(perceptron(), inner_lr=0.4), "they are always 0.4"),
        (lambda: methods.lstm(perceptron()), "a recurrent network gives others in every task"),
        (lambda: methods.prototypes(perceptron(None)), "it has no inner rates"),
    ],
)
def test_reasons(learner, reason):
    with pytest.raises(ConfigurationError, match=reason):
        learned_rates(learner())
