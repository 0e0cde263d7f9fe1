"""Pictures with the channels innermost: the same numbers, in another order in memory."""

import pytest
import torch

from helpers import problems
from helpers.learners import make
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.mapping._layout import has_pictures, with_channels_last
from innerloop.task import Examples, Task, take


@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_network_gets(channels):
    x = torch.randn(2, channels, 5, 4)
    examples = Examples({"picture": x, "number": torch.ones(2, 3)}, torch.zeros(2))
    found = with_channels_last(Task(examples, examples)).support.x
    assert torch.equal(found["picture"], x)
    assert found["picture"].stride() == (20 * channels, 1, 4 * channels, channels)
    assert found["number"] is examples.x["number"]
    # the layout is kept by what follows, with one channel too
    made = torch.nn.Conv2d(channels, 8, 3, padding=1)(found["picture"])
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_the_network_of_a_loop_gets_it():
    learner, tasks = make("maml", problems.convolutional()), problems.pictures()
    seen = []
    learner.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].stride(1)))
    learner.mapping = Mapping(vectorise=False, channels_last=True)
    learner(tasks).loss.backward()
    assert seen
    assert set(seen) == {1}


def test_which_tasks_have_pictures():
    assert has_pictures(problems.pictures())
    assert not has_pictures(problems.batch())
    assert not has_pictures(take(problems.batch(), slice(0, 1)))


def test_not_under_vmap():
    with pytest.raises(ConfigurationError, match="for the loop"):
        Mapping(vectorise=True, channels_last=True)
