import pytest
import torch
from helpers import problems
from torch import nn

from innerloop.gradient import GradientLearner
from innerloop.mapping import choose_mapping
from innerloop.metric import Prototypes

CPU, GPU = torch.device("cpu"), torch.device("cuda")
LINEAR, CONVOLUTION, RECURRENT = nn.Linear(1, 1), nn.Conv2d(1, 1, 1), nn.GRU(1, 1)


@pytest.mark.parametrize(
    ("every", "adapted", "device", "expected"),
    [
        ([LINEAR], [LINEAR], CPU, "vmap"),
        ([LINEAR, CONVOLUTION], [LINEAR], CPU, "vmap"),
        ([LINEAR, CONVOLUTION], [CONVOLUTION], CPU, "loop"),
        ([LINEAR, CONVOLUTION], [CONVOLUTION], GPU, "vmap"),
        ([LINEAR, RECURRENT], [LINEAR], GPU, "loop"),
    ],
)
def test_the_rule(every, adapted, device, expected):
    mapping = choose_mapping(every, adapted, device)
    assert str(mapping) == expected
    assert mapping.reason


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        (lambda: GradientLearner(problems.perceptron()), "vmap"),
        (lambda: GradientLearner(problems.convolutional()), "loop"),
        (lambda: GradientLearner(problems.convolutional(), which="head"), "vmap"),
        (lambda: Prototypes(problems.convolutional(None)), "vmap"),
    ],
)
def test_learners_say_which_of_their_weights_differ_from_task_to_task(learner, expected):
    assert str(learner().mapping_for(problems.pictures())) == expected


def test_a_mapping_that_was_asked_for_is_kept():
    learner = GradientLearner(problems.perceptron())
    learner.mapping = choose_mapping([RECURRENT], [], CPU)
    assert learner.mapping_for(problems.batch()) is learner.mapping
