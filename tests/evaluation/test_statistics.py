import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.errors import ConfigurationError
from innerloop.evaluation import calibration, interval, paired_difference

NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=40)


@settings(deadline=None, derandomize=True)
@given(NUMBERS)
def test_interval_is_196_standard_errors(values):
    n, mean = len(values), math.fsum(values) / len(values)
    variance = math.fsum((v - mean) ** 2 for v in values) / (n - 1)
    found = interval(np.array(values))
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.half == pytest.approx(1.96 * math.sqrt(variance / n), abs=1e-7)
    assert (found.low, found.high) == (found.mean - found.half, found.mean + found.half)


def test_one_task_has_no_interval():
    assert interval(np.array([3.0])) == (3.0, math.inf)


def test_a_diverged_task_leaves_no_mean():
    assert math.isnan(interval(np.array([1.0, math.inf])).mean)


def test_intervals_cover_the_truth():
    draw = np.random.default_rng(0)
    covered = [
        found.low <= 0.7 <= found.high for found in (interval(draw.binomial(15, 0.7, 100) / 15) for _ in range(1000))
    ]
    assert 0.93 < np.mean(covered) < 0.965


def test_paired_differences_cover_the_truth():
    # tasks differ much more than learners do: only pairing sees a difference of 0.1
    draw, covered, seen = np.random.default_rng(1), [], []
    for _ in range(300):
        task = draw.normal(0, 3, 80)
        a, b = task + 0.1 + draw.normal(0, 0.2, 80), task + draw.normal(0, 0.2, 80)
        found = paired_difference(a, b, resamples=600)
        covered.append(found.low <= 0.1 <= found.high)
        seen.append(found.seen)
    assert 0.90 < np.mean(covered) < 0.98
    assert np.mean(seen) > 0.8


def test_no_difference_is_rarely_seen_where_there_is_none():
    draw = np.random.default_rng(2)
    seen = [paired_difference(draw.normal(size=60), draw.normal(size=60), resamples=600).seen for _ in range(300)]
    assert np.mean(seen) < 0.1


def test_the_bootstrap_agrees_with_the_normal_approximation():
    draw = np.random.default_rng(3)
    a, b = draw.normal(1, 1, 2000), draw.normal(0, 1, 2000)
    found, expected = paired_difference(a, b), interval(a - b)
    assert found.mean == pytest.approx(expected.mean)
    assert found.low == pytest.approx(expected.low, abs=0.005)
    assert found.high == pytest.approx(expected.high, abs=0.005)


def test_the_bootstrap_is_the_same_every_time_and_turns_with_its_sides():
    draw = np.random.default_rng(4)
    a, b = draw.normal(size=50), draw.normal(size=50)
    assert paired_difference(a, b) == paired_difference(a, b)
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


def test_unpaired_values_are_refused():
    with pytest.raises(ConfigurationError, match="same tasks"):
        paired_difference(np.zeros(3), np.zeros(4))


def brute_force(confidence, correct, bins):
    error, rows = 0.0, []
    for b in range(bins):
        inside = [
            (c, r)
            for c, r in zip(confidence, correct, strict=True)
            if b / bins <= c < (b + 1) / bins or (b == bins - 1 and c == 1.0)
        ]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            accuracy = sum(r for _, r in inside) / len(inside)
            error += len(inside) / len(confidence) * abs(mean - accuracy)
            rows.append((mean, accuracy, len(inside)))
    return error, rows


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_calibration_against_brute_force(pairs, bins):
    # away from the edges between bins, where rounding decides
    confidence = np.array([min(1.0, (k + 0.37) / 1000) for k, _ in pairs])
    correct = np.array([right for _, right in pairs])
    found = calibration(confidence, correct, bins)
    error, rows = brute_force(confidence.tolist(), correct.tolist(), bins)
    assert found.error == pytest.approx(error)
    assert list(zip(found.confidence, found.accuracy, found.count, strict=True)) == [pytest.approx(row) for row in rows]


def test_a_certain_and_right_classifier_is_calibrated():
    found = calibration(np.ones(5), np.ones(5, dtype=bool))
    assert (found.error, found.count) == (0.0, [5])
