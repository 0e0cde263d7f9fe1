"""Chunks are made small enough for a ceiling in bytes."""

import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import difference, measure
from helpers.learners import make
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping, Need, PeakMemory, keep_large_blocks
from innerloop.task import stack


def wide():
    return problems.doubled(nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)))


def tasks(count=12):
    return stack([problems.classification(((60, 60),))[0]] * count)


def peak(learner, batch):
    learner(batch)  # measures, captures
    with PeakMemory() as memory:
        learner(batch)
    return memory.peak


@pytest.mark.parametrize("graph", ["eager", "captured"])
@pytest.mark.parametrize("method", ["maml", "fomaml"])
def test_a_ceiling_is_kept_and_nothing_else_changes(method, graph):
    learner, batch = make(method, wide()), tasks()
    learner.mapping = Mapping(vectorise=True)
    expected, everything = measure(learner, batch), peak(learner, batch)
    for share in (0.3, 0.6):
        ceiling = int(share * everything)
        learner.mapping = Mapping(vectorise=True, memory=ceiling, graph=graph)
        found = peak(learner, batch)
        assert 0.5 * ceiling < found < ceiling
        assert difference(measure(learner, batch), expected) < 1e-12


def test_enough_is_no_ceiling_and_too_little_says_how_much_is_needed():
    learner, batch = make("maml", wide()), tasks(3)
    assert learner.settle_mapping(batch, Mapping.named("vmap"), memory=10**12).chunk is None
    assert learner.settle_mapping(batch, Mapping.named("vmap", chunk=2), memory=10**12).chunk == 2
    learner.mapping = Mapping(vectorise=True, memory=1000)
    with pytest.raises(ConfigurationError, match=r"one task needs .* MB; memory= allows 0\.0 MB"):
        learner(batch)
    with pytest.raises(ConfigurationError, match="one task needs"):
        learner.settle_mapping(batch, memory=1000)


def test_a_trial_stays_within():
    learner, batch = make("maml", wide()), tasks()
    learner.mapping = Mapping(vectorise=True)
    ceiling = peak(learner, batch) // 3
    learner.mapping = None
    mapping = learner.settle_mapping(batch, memory=ceiling)
    assert mapping.memory is None  # what is kept is the chunk
    assert "within" in mapping.reason
    learner.mapping = mapping
    assert peak(learner, batch) < ceiling


def test_need():
    need = Need(fixed=100, per_task=30)
    assert need.of(need.chunk(250)) == 250
    assert need.chunk(50) == 0


def test_peak_memory_counts_what_is_alive_once():
    given = torch.zeros(1000)
    with PeakMemory() as memory:
        a = given + 1
        b = a.view(10, 100)[2:]  # no memory of its own
        given.mul_(2)
        del a
        assert memory.now == 4000
        del b
        assert memory.now == 0
        torch.zeros(500)
    assert memory.peak == 4000


@pytest.mark.parametrize("setting", [{"memory": 0}, {"threads": 0}, {"chunk": 0}, {"graph": "drawn"}])
def test_settings_that_cannot_be(setting):
    with pytest.raises(ConfigurationError, match=next(iter(setting))):
        Mapping(vectorise=True, **setting)


def test_names():
    with pytest.raises(ConfigurationError, match="no mapping 'fast'; there are auto, loop, vmap"):
        Mapping.named("fast")
    assert [str(Mapping.named(kind, 8)) for kind in ("loop", "captured", "compiled")] == [
        "loop", "captured vmap in chunks of 8", "compiled vmap in chunks of 8",
    ]  # fmt: skip


def test_the_allocator_may_be_asked_twice():
    assert keep_large_blocks() == keep_large_blocks()
