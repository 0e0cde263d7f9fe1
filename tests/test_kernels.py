import math

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.kernels import covariance

KERNELS = {
    "rbf": lambda d, length, scale, period: scale**2 * math.exp(-(d**2) / (2 * length**2)),
    "matern": lambda d, length, scale, period: (
        scale**2 * (1 + math.sqrt(5) * d / length + 5 * d**2 / (3 * length**2)) * math.exp(-math.sqrt(5) * d / length)
    ),
    "periodic": lambda d, length, scale, period: (
        scale**2 * math.exp(-2 * math.sin(math.pi * d / period) ** 2 / length**2)
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_against_the_formula(kernel):
    x, other = torch.randn(2, 3, 2, dtype=torch.float64), torch.randn(2, 4, 2, dtype=torch.float64)
    length, scale, period = (torch.tensor(v, dtype=torch.float64) for v in ([0.4, 0.9], [1.0, 0.3], [0.5, 2.0]))
    found = covariance(kernel, x, other, length, scale, period)
    for t in range(2):
        for i in range(3):
            for j in range(4):
                d = float((x[t, i] - other[t, j]).norm())
                expected = KERNELS[kernel](d, float(length[t]), float(scale[t]), float(period[t]))
                assert found[t, i, j].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_covariances_are_symmetric_and_positive(kernel):
    x = torch.randn(20, 1, dtype=torch.float64)
    one = torch.ones((), dtype=torch.float64)
    found = covariance(kernel, x, x, 0.4 * one, 2 * one, 0.5 * one)
    assert torch.equal(found, found.T)
    torch.testing.assert_close(found.diagonal(), torch.full((20,), 4.0, dtype=torch.float64))
    assert torch.linalg.eigvalsh(found).min() > -1e-12


def test_no_such_kernel():
    one = torch.ones(())
    with pytest.raises(ConfigurationError, match="no kernel 'linear'; use one of rbf, matern, periodic"):
        covariance("linear", torch.zeros(1, 1), torch.zeros(1, 1), one, one, one)
