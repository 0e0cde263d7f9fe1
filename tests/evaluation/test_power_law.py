"""Learning curves: planted ones are found again, and what is none is refused with a reason."""

import json

import numpy as np
import pytest

from innerloop.errors import ConfigurationError
from innerloop.evaluation import power_law

N = np.array([20.0, 50, 100, 250, 500])


def planted(plateau=0.9, gain=0.8, exponent=0.5, seeds=1, noise=0.0, tasks=300, seed=0):
    draw = np.random.default_rng(seed)
    of_task = draw.normal(0, 0.1, tasks)
    of_task -= of_task.mean()
    return [
        plateau
        - gain * n**-exponent
        + of_task
        + draw.normal(0, 0.02, (seeds, tasks))
        + noise * draw.normal(size=(seeds, 1))
        for n in N
    ]


@pytest.mark.parametrize(("plateau", "gain", "exponent"), [(0.9, 0.8, 0.5), (0.7, 2.0, 1.0), (0.3, -3.0, 0.7)])
def test_a_planted_curve_is_found_again(plateau, gain, exponent):
    found = power_law(N, planted(plateau, gain, exponent), gain > 0, resamples=300)
    assert found.sound
    assert found.plateau[0] == pytest.approx(plateau, abs=0.02)
    assert found.exponent[0] == pytest.approx(exponent, rel=0.1)
    doubled = gain * (500**-exponent - 1000**-exponent)
    assert found.doubling[0] == pytest.approx(doubled, rel=0.15)
    assert found.doubling[1] <= found.doubling[0] <= found.doubling[2]
    assert found.band[0][0] == 20
    assert found.band[-1][0] == pytest.approx(1000)
    for n, value, low, high in found.band:
        assert value == pytest.approx(found.plateau[0] - found.gain * n ** -found.exponent[0])
        assert low <= value <= high


def test_the_fit_is_that_of_least_squares():
    values = planted(noise=0.02, seeds=3)
    found = power_law(N, values, True, resamples=10)
    points = np.array([v.mean() for v in values])

    def left(exponent):
        a = np.stack([np.ones(5), -(N**-exponent)], 1)
        return np.linalg.lstsq(a, points, rcond=None)[1][0]

    tried = np.linspace(0.05, 3.0, 3_000)
    best = tried[np.argmin([left(c) for c in tried])]
    assert found.exponent[0] == pytest.approx(best, rel=0.03)


def test_the_band_covers_the_truth():
    covered = []
    for seed in range(60):
        found = power_law(N, planted(seeds=5, noise=0.004, seed=seed), True, resamples=200, seed=seed)
        if found.sound:
            truth = 0.9 - 0.8 * np.array([x for x, *_ in found.band]) ** -0.5
            low, high = (np.array([each[k] for each in found.band]) for k in (2, 3))
            middle = len(truth) // 2
            covered.append(low[middle] <= truth[middle] <= high[middle])
    assert len(covered) > 40
    assert np.mean(covered) > 0.8


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.9, 0.8, 0.7, 0.6, 0.5], "not seen to help"),
        ([0.5, 0.6, 0.7, 0.83, 0.93], "no plateau is in sight"),
        ([0.5, 0.8, 0.55, 0.85, 0.6], "lie away from the curve"),
        ([0.5, 0.6, np.nan, 0.7, 0.8], "diverged"),
    ],
)
def test_what_is_no_such_curve_has_a_reason(values, reason):
    draw = np.random.default_rng(0).normal(0, 0.001, (5, 1, 50))
    found = power_law(N, [v + d for v, d in zip(values, draw, strict=True)], True, resamples=100)
    assert not found.sound
    assert reason in found.reason
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == {"sound": False, "reason": found.reason}


def test_few_sizes_are_too_few():
    found = power_law(N[:3], planted()[:3], True)
    assert "3 sizes are too few" in found.reason


def test_order_does_not_matter():
    values = planted()
    one = power_law(N, values, True, resamples=50)
    other = power_law(N[::-1], values[::-1], True, resamples=50)
    assert one == other


def test_sizes_that_make_no_sense():
    for sizes in ([1, 2], [0, 1, 2, 3, 4], [1, 1, 2, 3, 4]):
        with pytest.raises(ConfigurationError, match="different positive sizes"):
            power_law(sizes, planted(), True)


def test_json():
    found = json.loads(json.dumps(power_law(N, planted(), True, resamples=50).to_json(), allow_nan=False))
    assert found["sound"]
    assert len(found["plateau"]) == 3
