"""Trying further where the choice lies at an edge."""

import pytest
import torch

from innerloop import methods
from innerloop.evaluation import tune
from innerloop.networks import mlp
from innerloop.sources import Sinusoids

SINUSOIDS = Sinusoids(shots=5, queries=10)


def make(rate):
    torch.manual_seed(0)
    return methods.from_scratch(mlp(1, 1, [8]), inner_lr=rate)


def test_rates_are_widened_until_the_best_one_has_neighbours():
    found = tune(make, [1e-6, 1e-5], SINUSOIDS.validation, max_steps=4, tasks=10, widen=3)
    # each time the next one in the ratio of the last two
    assert sorted(found.curves) == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
    assert found.rate == pytest.approx(1e-2)
    assert found.at_edge


def test_nothing_more_is_tried_than_asked_for():
    found = tune(make, [1e-6, 1e-5], SINUSOIDS.validation, max_steps=4, tasks=10)
    assert list(found.curves) == [1e-6, 1e-5]
    assert found.at_edge


def test_steps_are_doubled_while_they_help():
    found = tune(make, [0.01], SINUSOIDS.validation, max_steps=2, tasks=10, widen=2)
    assert len(found.curves[0.01]) == 9
    assert found.steps == 8


def test_a_choice_inside_is_left_alone():
    # a rate of 1e3 throws the network away: the best lies between it and one that does nothing
    found = tune(make, [1e-9, 0.05, 1e3], SINUSOIDS.validation, max_steps=6, tasks=10, widen=4)
    assert 0.05 in found.curves
    assert found.rate == 0.05
    longest = max(len(curve) for curve in found.curves.values())
    assert found.at_edge == (found.steps == longest - 1 and longest > 6 * 2**4)


def test_widening_downwards():
    found = tune(make, [30.0, 300.0], SINUSOIDS.validation, max_steps=2, tasks=10, widen=2)
    assert 3.0 in found.curves
