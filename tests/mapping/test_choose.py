import pytest
import torch
from torch import nn

from helpers import problems
from innerloop.gradient import GradientLearner
from innerloop.mapping import Mapping, choose_mapping
from innerloop.mapping._choose import CHUNK, CROSSOVER, HEAVY
from innerloop.metric import Prototypes
from innerloop.task import Examples, Task

WIDE = nn.Linear(HEAVY // 100, 101)
LINEAR, CONVOLUTION, RECURRENT = nn.Linear(1, 1), nn.Conv2d(1, 64, 1), nn.GRU(1, 1)
CHUNKED = f"vmap in chunks of {CHUNK}"


def tasks_of(rows, side, device="cpu"):
    """Pictures without memory of their own; the device "meta" stands for any accelerator."""
    x = torch.zeros((), device=device).expand(2, rows, 1, side, side)
    mask = torch.ones((), dtype=torch.bool, device=device).expand(2, rows)
    examples = Examples.__new__(Examples)
    for name, value in {"x": x, "y": mask, "mask": mask, "ways": None}.items():
        object.__setattr__(examples, name, value)
    return Task(examples, examples, torch.zeros(2, device=device))


SMALL, LARGE = tasks_of(10, 28), tasks_of(75, 84)
ACCELERATED = tasks_of(75, 84, "meta")


@pytest.mark.parametrize(
    ("every", "adapted", "tasks", "expected"),
    [
        ([LINEAR], [LINEAR], LARGE, "vmap"),
        ([LINEAR, CONVOLUTION], [LINEAR], LARGE, "vmap"),
        ([LINEAR, CONVOLUTION], [CONVOLUTION], SMALL, CHUNKED),
        ([LINEAR, CONVOLUTION], [CONVOLUTION], LARGE, "loop"),
        ([LINEAR, CONVOLUTION], [CONVOLUTION], ACCELERATED, CHUNKED),
        ([LINEAR, RECURRENT], [LINEAR], ACCELERATED, "loop"),
        ([LINEAR, WIDE], [LINEAR, WIDE], SMALL, "loop"),
        ([LINEAR, WIDE], [LINEAR, WIDE], ACCELERATED, "vmap"),
        ([LINEAR, WIDE], [LINEAR], SMALL, "vmap"),
    ],
)
def test_the_rule(every, adapted, tasks, expected):
    mapping = choose_mapping(every, adapted, tasks)
    assert str(mapping) == expected
    assert mapping.reason


def test_the_sizes_lie_on_either_side_of_the_crossover():
    assert 64 * 10 * 28 * 28 < CROSSOVER < 64 * 75 * 84 * 84


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        (lambda: GradientLearner(problems.perceptron()), "vmap"),
        (lambda: GradientLearner(problems.convolutional()), CHUNKED),
        (lambda: GradientLearner(problems.convolutional(), which="head"), "vmap"),
        (lambda: Prototypes(problems.convolutional(None)), "vmap"),
    ],
)
def test_learners_say_which_of_their_weights_differ_from_task_to_task(learner, expected):
    assert str(learner().mapping_for(problems.pictures())) == expected


def test_a_mapping_that_was_asked_for_is_kept():
    learner = GradientLearner(problems.perceptron())
    learner.mapping = Mapping(vectorise=False)
    assert learner.mapping_for(problems.batch()) is learner.mapping
    assert Mapping(**learner.mapping.to_json()) == learner.mapping
