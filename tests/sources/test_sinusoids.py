import math

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.sources._sinusoids import Sinusoids, SinusoidTasks


def test_points_lie_on_the_tasks_own_sine():
    source = SinusoidTasks(shots=7, queries=5)
    indices = torch.arange(50)
    tasks, (amplitude, phase) = source.batch(indices), source.parameters(indices)
    for examples, count in ((tasks.support, 7), (tasks.query, 5)):
        assert examples.x.shape == examples.y.shape == (50, count, 1)
        expected = amplitude[:, None, None] * torch.sin(examples.x - phase[:, None, None])
        assert torch.equal(examples.y, expected)
    assert tasks.ways is None


def test_amplitudes_phases_and_points_are_uniform():
    source = SinusoidTasks()
    amplitude, phase = source.parameters(torch.arange(20_000))
    points = source[0:2_000].support.x.flatten()
    for values, low, high in ((amplitude, 0.1, 5.0), (phase, 0.0, math.pi), (points, -5.0, 5.0)):
        scaled = ((values - low) / (high - low)).sort().values
        assert scaled[0] >= 0
        assert scaled[-1] <= 1
        distance = (scaled - torch.linspace(0, 1, len(scaled))).abs().max()
        assert distance < 2.5 / math.sqrt(len(scaled))  # Kolmogorov and Smirnov, one in 100,000
    assert abs(torch.corrcoef(torch.stack([amplitude, phase]))[0, 1]) < 0.03


def test_a_task_is_the_same_in_any_batch_and_order():
    source = SinusoidTasks(shots=3)
    some = source[[9, 4, 9]]
    for position, index in enumerate([9, 4, 9]):
        assert torch.equal(source[index].support.x, some.support.x[position])
        assert torch.equal(source[index].query.y, some.query.y[position])


def test_more_points_keep_the_task():
    few, many = SinusoidTasks(shots=5), SinusoidTasks(shots=10)
    assert torch.equal(few[3].support.x, many[3].support.x[:5])
    assert torch.equal(few[3].query.x, many[3].query.x)


def test_splits_and_seeds_share_no_task():
    sines = Sinusoids()
    indices = torch.arange(1000)
    sources = [sines.train, sines.validation, sines.test, sines.train.with_(seed=1)]
    amplitudes = [source.parameters(indices)[0] for source in sources]
    for i, one in enumerate(amplitudes):
        for other in amplitudes[i + 1 :]:
            assert abs(torch.corrcoef(torch.stack([one, other]))[0, 1]) < 0.13


def test_there_is_no_flat_view():
    with pytest.raises(ConfigurationError, match="SinusoidTasks has no classes to merge"):
        Sinusoids().train.flat()


def test_describe_says_what_the_tasks_are():
    expected = {"name": "sinusoids", "split": "test", "shots": 5, "queries": 10, "seed": 3}
    assert Sinusoids(shots=5, seed=3).test.describe() == expected


def test_amplitudes_outside_the_papers_range():
    source = Sinusoids().test.with_(amplitude=(5.0, 10.0))
    amplitude, phase = source.parameters(torch.arange(500))
    assert 5 <= amplitude.min() < 5.2
    assert 9.8 < amplitude.max() <= 10
    same = Sinusoids().test.parameters(torch.arange(500))[1]
    assert torch.equal(phase, same)  # only the range differs
    assert source.describe()["amplitude"] == [5.0, 10.0]
    assert "amplitude" not in Sinusoids().test.describe()


@pytest.mark.parametrize("name", ["shots", "queries", "tasks"])
def test_a_task_has_points(name):
    with pytest.raises(ConfigurationError, match=f"{name} must be at least 1; got 0. Give 1 or more"):
        Sinusoids().train.with_(**{name: 0})


@pytest.mark.parametrize(
    "index", [-1, [2, -1], slice(0, -1), slice(-3, 2), slice(3, -1, -1)], ids=["-1", "[2,-1]", ":-1", "-3:", "3:-1:-1"]
)
def test_tasks_are_counted_from_0(index):
    with pytest.raises(ConfigurationError, match=r"Tasks are numbered from 0.*as in \[0:10\]"):
        Sinusoids().train[index]
