"""The differentiable solver against a slow exact one and the optimality conditions."""

import numpy as np
import pytest
import torch

from helpers import quadratic
from innerloop.metric import crammer_singer

SHAPES = {
    "1 shot": (5, 5, 8), "3 shots": (9, 3, 8), "two ways": (8, 2, 3), "more rows than features": (12, 3, 2),
    "one class": (3, 1, 4),
}  # fmt: skip


def problem(rows, ways, width, size=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = size * torch.randn(rows, width, generator=generator, dtype=torch.float64)
    return z, torch.eye(ways, dtype=torch.float64)[torch.arange(rows) % ways]


@pytest.mark.parametrize("cost", [0.1, 1.0])
@pytest.mark.parametrize("size", [0.3, 3.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_solution_is_that_of_projected_gradients_and_of_the_active_set(shape, size, cost):
    z, member = problem(*SHAPES[shape], size)
    found = crammer_singer(z @ z.T, member, cost, 1.0)
    expected = quadratic.svm(z @ z.T, member, cost, 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("smoothing", [1e-3, 1.0])
@pytest.mark.parametrize("size", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("shape", [(25, 5, 64), (40, 20, 64), (10, 2, 1)])
def test_optimality_conditions_hold_at_every_scale(shape, size, smoothing):
    z, member = problem(*shape, size)
    gram = z @ z.T
    found = crammer_singer(gram, member, 0.1, smoothing)
    assert quadratic.violation(found, gram, member, 0.1, smoothing) < 1e-9 * max(1, float(gram.max()) * 0.1)


def test_the_conditions_see_what_is_wrong():
    z, member = problem(9, 3, 8)
    gram = z @ z.T
    right = crammer_singer(gram, member, 0.1, 1.0)
    assert quadratic.violation(right, gram, member, 0.1, 1.0) < 1e-9
    for wrong in (0 * right, 0.9 * right, right + 0.01, crammer_singer(gram, member, 0.1, 1.5)):
        assert quadratic.violation(wrong, gram, member, 0.1, 1.0) > 1e-3


def test_a_problem_that_can_be_solved_on_paper():
    # two orthogonal examples of two classes: a_11 = -a_12 = t minimises (1 + δ) t² - t, up to C
    one = torch.eye(2, dtype=torch.float64)
    for cost, smoothing, t in ((1.0, 1.0, 0.25), (1.0, 0.25, 0.4), (0.1, 1.0, 0.1)):
        expected = t * torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
        torch.testing.assert_close(crammer_singer(one, one, cost, smoothing), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", ["1 shot", "3 shots", "more rows than features"])
def test_its_gradient_is_that_of_finite_differences(shape):
    z, member = problem(*SHAPES[shape])
    weights = torch.randn(member.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def value(z):
        return (z.T @ crammer_singer(z @ z.T, member, 0.3, 1.0) @ weights.T).square().sum()

    z.requires_grad_()
    (slope,) = torch.autograd.grad(value(z), z)
    numeric = torch.zeros_like(slope)
    with torch.no_grad():
        for i, j in np.ndindex(*z.shape):
            step = torch.zeros_like(z)
            step[i, j] = 1e-5
            numeric[i, j] = (value(z + step) - value(z - step)) / 2e-5
    assert slope.abs().max() > 1e-3
    torch.testing.assert_close(slope, numeric, rtol=1e-6, atol=1e-8)


def test_its_gradient_is_that_of_the_linear_system_on_the_active_set():
    z, member = problem(9, 3, 8)
    slopes = []
    for solver in (crammer_singer, quadratic.svm):
        at = z.clone().requires_grad_()
        (slope,) = torch.autograd.grad(solver(at @ at.T, member, 0.1, 1.0).pow(3).sum(), at)
        slopes.append(slope)
    torch.testing.assert_close(*slopes, rtol=1e-8, atol=1e-12)


def test_rows_of_zeros_change_nothing_for_the_others():
    z, member = problem(9, 3, 8)
    more = torch.cat([z, torch.zeros(4, 8, dtype=z.dtype)])
    padded = torch.cat([member, torch.zeros(4, 3, dtype=z.dtype)])
    found = crammer_singer(more @ more.T, padded, 0.1, 1.0)
    torch.testing.assert_close(found[:9], crammer_singer(z @ z.T, member, 0.1, 1.0), rtol=0, atol=1e-12)
    assert found[9:].abs().max() < 1e-9


def test_many_at_once_and_in_single_precision():
    each = [problem(9, 3, 8, seed=seed) for seed in range(4)]
    z, member = (torch.stack(part) for part in zip(*each, strict=True))
    gram = z @ z.mT
    together = torch.func.vmap(crammer_singer)(gram, member)
    alone = torch.stack([crammer_singer(*pair) for pair in zip(gram, member, strict=True)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    single = torch.func.vmap(crammer_singer)(gram.float(), member.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), alone, rtol=0, atol=1e-6)


def test_the_steps_in_single_precision_stay_finite():
    # what a device without float64 would do
    from innerloop.metric import _crammer_singer as module

    z, member = (t.float() for t in problem(25, 5, 64))
    matrix = z @ z.T + torch.eye(25)
    slack, _, _ = module._solve(matrix, member, 0.1)
    expected = crammer_singer(z.double() @ z.double().T, member.double(), 0.1, 1.0)
    torch.testing.assert_close((0.1 * member - slack).double(), expected, rtol=0, atol=1e-5)
