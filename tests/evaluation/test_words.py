"""Numbers are said as they always were, in one place."""

import math

import numpy as np
import pytest

from innerloop.evaluation import Difference, Interval
from innerloop.evaluation import _words as words


@pytest.mark.parametrize("accuracy", [True, False])
def test_means_and_deviations(accuracy):
    for mean, half in np.random.default_rng(0).uniform(0, 1, (50, 2)):
        said = f"{100 * mean:.1f} % ± {100 * half:.1f}" if accuracy else f"{mean:.4g} ± {half:.2g}"
        assert words.result(Interval(mean, half), accuracy) == said
    assert words.result(Interval(math.nan, math.inf), accuracy) == "no number"
    assert words.result(Interval(0.5, math.inf), accuracy) == words.value(0.5, accuracy)


@pytest.mark.parametrize("accuracy", [True, False])
def test_differences(accuracy):
    scale, unit, digits = (100, " points", ".1f") if accuracy else (1, "", ".3g")
    for low, mean, high in np.sort(np.random.default_rng(1).normal(0, 0.3, (50, 3))):
        for sign in (1, -1):
            ends = sorted((sign * scale * low, sign * scale * high))
            size, between = words.difference(Difference(mean, low, high), accuracy, sign)
            assert size == f"{abs(scale * mean):{digits}}{unit}"
            assert between == f"{ends[0]:+{digits}} to {ends[1]:+{digits}}"
