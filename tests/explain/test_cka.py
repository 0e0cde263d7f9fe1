import itertools

import numpy as np
import pytest

from innerloop.errors import ConfigurationError
from innerloop.explain import hsic, linear_cka

DRAW = np.random.default_rng(0)


def brute_force(a, b):
    """The U-statistic of Song et al. 2012, equation 4: a mean over all ordered quadruples of different examples."""
    terms = []
    for i, j, q, r in itertools.permutations(range(len(a)), 4):
        terms.append(a[i, j] * (b[i, j] + b[q, r] - 2 * b[i, q]))
    return np.mean(terms)


@pytest.mark.parametrize("n", [4, 5, 7])
def test_hsic_is_the_mean_over_all_quadruples(n):
    x, y = DRAW.normal(size=(n, 3)), DRAW.normal(size=(n, 9))
    a, b = x @ x.T, y @ y.T
    assert hsic(a, b) == pytest.approx(brute_force(a, b), rel=1e-10)
    assert hsic(a, a) == pytest.approx(brute_force(a, a), rel=1e-10)


def test_hsic_of_stacked_matrices():
    x = DRAW.normal(size=(2, 6, 4))
    grams = x @ x.transpose(0, 2, 1)
    assert hsic(grams, grams[::-1]) == pytest.approx([hsic(grams[0], grams[1])] * 2)


def test_the_diagonal_is_not_looked_at():
    x = DRAW.normal(size=(6, 4))
    a = x @ x.T
    assert hsic(a + np.diag(DRAW.normal(size=6)), a) == pytest.approx(float(hsic(a, a)))


def test_rotation_scale_and_shift_change_nothing():
    x, y = DRAW.normal(size=(12, 5)), DRAW.normal(size=(12, 5)) + 1.0
    turned, _ = np.linalg.qr(DRAW.normal(size=(5, 5)))
    assert linear_cka(x, x) == pytest.approx(1.0)
    assert linear_cka(x, 3.0 * x @ turned - 7.0) == pytest.approx(1.0)
    assert linear_cka(-0.2 * x @ turned + 5.0, y) == pytest.approx(linear_cka(x, y))
    assert linear_cka(x, y) == pytest.approx(linear_cka(y, x))
    # but a scale for each feature does
    assert linear_cka(x, x * np.array([10.0, 1, 1, 1, 1])) < 0.9


def test_unrelated_representations_come_to_nothing_where_the_biased_estimator_does_not():
    ours, biased = [], []
    for _ in range(60):
        x, y = DRAW.normal(size=(2, 20, 100))  # many more features than examples
        ours.append(linear_cka(x, y))
        x, y = x - x.mean(0), y - y.mean(0)
        biased.append(np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))
    assert abs(np.mean(ours)) < 0.02
    assert np.mean(biased) > 0.7


def test_what_does_not_vary_has_no_similarity():
    x = DRAW.normal(size=(9, 3))
    assert np.isnan(linear_cka(x, np.full((9, 4), 0.1)))
    assert np.isnan(linear_cka(np.zeros((9, 2)), x))


def test_axes_of_pictures_are_features():
    x = DRAW.normal(size=(6, 2, 3))
    assert linear_cka(x, x.reshape(6, 6)) == pytest.approx(1.0)


def test_too_few_and_unequal():
    with pytest.raises(ConfigurationError, match="4 or more examples; got 3 and 3"):
        linear_cka(np.eye(3), np.eye(3))
    with pytest.raises(ConfigurationError, match="got 5 and 6"):
        linear_cka(np.eye(5), np.eye(6))
