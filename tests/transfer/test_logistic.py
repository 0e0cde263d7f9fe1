import math

import pytest
import torch
import torch.nn.functional as F

from innerloop.transfer import logistic_regression


def problem(rows=20, width=6, ways=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    y = torch.arange(rows) % ways
    return z + 0.5 * torch.randn(ways, width, generator=generator, dtype=torch.float64)[y], y


def objective(weight, bias, z, y, penalty):
    return F.cross_entropy(z @ weight.T + bias, y, reduction="sum") + penalty / 2 * weight.square().sum()


def slopes(found, z, y, penalty):
    weight, bias = (p.detach().clone().requires_grad_() for p in found)
    return torch.autograd.grad(objective(weight, bias, z, y, penalty), [weight, bias])


def everything(z):
    return torch.ones(len(z), dtype=torch.bool)


@pytest.mark.parametrize("penalty", [1e-4, 0.01, 1.0, 100.0])
@pytest.mark.parametrize("size", [(20, 6, 4), (5, 30, 5), (40, 3, 2), (60, 10, 20)])
def test_the_gradient_is_zero_at_the_solution(size, penalty):
    z, y = problem(*size)
    for unit in (z, F.normalize(z, dim=1)):
        found = logistic_regression(unit, y, everything(z), size[2], penalty)
        assert max(float(slope.abs().max()) for slope in slopes(found, unit, y, penalty)) < 1e-6


def test_no_other_optimiser_finds_a_lower_value():
    z, y = problem()
    found = logistic_regression(z, y, everything(z), 4, 0.3)
    weight, bias = torch.zeros_like(found.weight, requires_grad=True), torch.zeros_like(found.bias, requires_grad=True)
    lbfgs = torch.optim.LBFGS([weight, bias], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        loss = objective(weight, bias, z, y, 0.3)
        loss.backward()
        return loss

    lbfgs.step(closure)
    torch.testing.assert_close(found.weight, weight.detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.bias - found.bias.mean(), (bias - bias.mean()).detach(), atol=1e-5, rtol=0)


def test_two_classes_are_the_logistic_curve():
    # by symmetry the bias is zero, and w = 2 sigmoid(-2 w) / penalty for the first class
    z, y = torch.tensor([[1.0], [-1.0]], dtype=torch.float64), torch.tensor([0, 1])
    w = float(logistic_regression(z, y, everything(z), 2, 0.5).weight[0])
    assert w == pytest.approx(2 / (1 + math.exp(2 * w)) / 0.5)


@pytest.mark.parametrize("width", [6, 40])
def test_padded_rows_count_for_nothing(width):
    z, y = problem(width=width)
    expected = logistic_regression(z, y, everything(z), 4, 0.1)
    longer = torch.cat([z, torch.full((3, width), float("inf"), dtype=z.dtype)])
    labels = torch.cat([y, torch.tensor([0, 1, 99])])
    mask = torch.arange(len(longer)) < len(z)
    for a, b in zip(logistic_regression(longer, labels, mask, 4, 0.1), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=0)


def test_unequal_classes_and_a_class_without_examples():
    z, y = problem()
    y = torch.where(y == 3, 0, y)
    found = logistic_regression(z, y, everything(z), 4, 1.0)
    assert all(p.isfinite().all() for p in found)
    assert (z @ found.weight.T + found.bias).argmax(1).max() < 3
    some = logistic_regression(z[:15], torch.zeros(15, dtype=torch.long), everything(z[:15]), 2, 1.0)
    assert ((z @ some.weight.T + some.bias).argmax(1) == 0).all()


def test_tasks_side_by_side():
    both = [problem(seed=seed) for seed in (0, 1)]
    z, y = (torch.stack(part) for part in zip(*both, strict=True))
    found = torch.func.vmap(lambda z, y: logistic_regression(z, y, everything(z), 4, 0.1))(z, y)
    for i, (one, labels) in enumerate(both):
        alone = logistic_regression(one, labels, everything(one), 4, 0.1)
        torch.testing.assert_close(found.weight[i], alone.weight, atol=1e-7, rtol=0)
        torch.testing.assert_close(found.bias[i], alone.bias, atol=1e-7, rtol=0)


def test_single_precision_keeps_its_type():
    z, y = problem()
    found = logistic_regression(z.float(), y, everything(z), 4, 0.1)
    assert found.weight.dtype == torch.float32
    torch.testing.assert_close(
        found.weight, logistic_regression(z, y, everything(z), 4, 0.1).weight.float(), atol=1e-5, rtol=0
    )
