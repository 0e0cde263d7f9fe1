import pytest

from innerloop.bench import WORKLOADS, chosen
from innerloop.errors import ConfigurationError


def names(*arguments, **settings):
    return [workload.name for workload in chosen(*arguments, **settings)]


def test_names_and_first_letters():
    assert names(["S", "O", "M"]) == list(WORKLOADS)
    assert names(["o5", "S"]) == ["O5", "S1", "S5"]
    assert names(["S", "S1"]) == ["S1", "S5"]


def test_a_sweep_measures_every_workload_with_more_sizes():
    found = chosen(["S1"], [8, 512])
    assert [(w.name, w.tasks) for w in found] == [("S1", 25), ("S1x8", 8), ("S1x512", 512)]
    assert found[2].title.endswith("512 tasks, 1 inner step")


def test_small_workloads_are_small():
    for workload in chosen(["S", "O", "M"], small=True):
        assert workload.tasks <= 3
        assert workload.inner_steps == WORKLOADS[workload.name].inner_steps


@pytest.mark.parametrize("wrong", ["X", "S2", ""])
def test_unknown_names(wrong):
    with pytest.raises(ConfigurationError, match=f"Unknown workload '{wrong}'; there are S1"):
        chosen([wrong])


def test_sizes_that_are_none():
    with pytest.raises(ConfigurationError, match="at least 1 task"):
        chosen(["S"], [0])
