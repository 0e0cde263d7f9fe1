"""What adapting costs: sizes counted by hand, memory against a hand-made sum."""

import pytest
import torch

from helpers import training
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Spent, adaptation_cost
from innerloop.evaluation._cost import size_of, step_bytes
from innerloop.evaluation._words import how_long
from innerloop.mapping import Mapping
from innerloop.networks import conv4, mlp
from innerloop.sources import Sinusoids, from_arrays

BLOBS = training.blobs(ways=3, shots=2, queries=4)
SINUSOIDS = Sinusoids(shots=5, queries=5)
HIDDEN = 7
# 1 -> 7 -> 1: weights and biases
ALL = (1 * HIDDEN + HIDDEN) + (HIDDEN * 1 + 1)


def cost(learner, source=SINUSOIDS.test, **more):
    return adaptation_cost(learner, source, tasks=3, **more)


@pytest.mark.parametrize(
    ("learner", "adapted"),
    [
        (lambda: methods.maml(mlp(1, 1, [HIDDEN])), ALL),
        (lambda: methods.anil(mlp(1, 1, [HIDDEN])), HIDDEN + 1),
        (lambda: methods.boil(mlp(1, 1, [HIDDEN])), 2 * HIDDEN),
        (lambda: methods.meta_sgd(mlp(1, 1, [HIDDEN])), ALL),
        (lambda: methods.from_scratch(mlp(1, 1, [HIDDEN]), inner_steps=2), ALL),
        (lambda: methods.fine_tune(mlp(1, 1, [HIDDEN]), inner_steps=2), ALL),
        (lambda: methods.linear_head(mlp(1, 1, [HIDDEN]), inner_steps=2), HIDDEN + 1),
    ],
    ids=["maml", "anil", "boil", "meta_sgd", "from_scratch", "fine_tune", "linear_head"],
)
def test_gradient_learners_count_what_they_move(learner, adapted):
    found = cost(learner())
    assert (found.adapted, found.adapted_is) == (adapted, "parameters")


def test_trained_parameters_are_another_number():
    # one rate for each parameter is learned beside them
    assert cost(methods.meta_sgd(mlp(1, 1, [HIDDEN]))).parameters == 2 * ALL
    assert cost(methods.anil(mlp(1, 1, [HIDDEN]))).parameters == ALL
    assert cost(methods.constant()).parameters == 0


def test_others_count_their_state():
    prototypes = cost(methods.prototypes(training.network(None)), BLOBS.test)
    assert (prototypes.adapted, prototypes.adapted_is) == (3 * 6 + 3, "state")  # sums and counts of three classes
    constant = cost(methods.constant(), BLOBS.test)
    assert (constant.adapted, constant.adapted_is) == (3 + 1, "state")  # sums of the one-hot labels, and a count
    assert cost(methods.joint(mlp(1, 1))).adapted == 0
    state = (torch.zeros(2, 3), {"a": torch.zeros(4), "ways": 5})
    assert size_of(methods.constant(), state) == (10, "state")


def test_an_optimisers_memory_does_not_count():
    # Adam keeps two numbers for each parameter; they are gone once the task is learned
    learner = methods.from_scratch(mlp(1, 1, [HIDDEN]), inner_steps=1).eval()
    assert size_of(learner, learner.adapt(SINUSOIDS.test[0].support)) == (ALL, "parameters")


def test_times_and_how_they_were_taken():
    found = cost(methods.maml(mlp(1, 1)))
    assert found.adapt_seconds > 0
    assert found.timed_tasks == 3
    assert found.threads == torch.get_num_threads()
    slow = cost(methods.from_scratch(mlp(1, 1), inner_steps=60))
    assert slow.adapt_seconds > 5 * found.adapt_seconds


def test_memory_grows_with_what_is_made():
    few = adaptation_cost(methods.nearest_mean(), BLOBS.test, tasks=1).adapt_bytes
    many = adaptation_cost(methods.nearest_mean(), BLOBS.test.with_(shots=6), tasks=1).adapt_bytes
    assert 0 < few < many
    # embedding the support makes at least its own pictures times 32 filters of half the size
    learner = methods.prototypes(conv4(outputs=None, filters=32), norm="running")
    pictures, labels = torch.rand(40, 1, 28, 28), torch.arange(40) % 10
    source = from_arrays(pictures, labels, ways=2, shots=3, queries=1, splits=(0.4, 0.3, 0.3))
    assert adaptation_cost(learner, source.test, tasks=1).adapt_bytes >= 6 * 32 * 14 * 14 * 4


def test_a_step_needs_its_activations():
    learner = methods.maml(mlp(1, 1, [50]), inner_lr=0.01)
    tasks = SINUSOIDS.train[0:8]
    loop = step_bytes(learner, tasks, Mapping(vectorise=False))
    side_by_side = step_bytes(learner, tasks, Mapping(vectorise=True))
    # eight tasks at once hold at least the adapted parameters of eight tasks
    assert side_by_side > 8 * 151 * 4
    assert side_by_side > 2 * loop
    # a graph is counted as its eager step is
    assert step_bytes(learner, tasks, Mapping(vectorise=True, graph="captured")) == side_by_side


@pytest.mark.parametrize("norm", ["batch", "running"])
def test_the_learner_is_as_it_was(norm):
    learner = methods.maml(training.network(3), norm=norm)
    before, mode = snapshot(learner), learner.training
    adaptation_cost(learner, BLOBS.test, tasks=2, norm="support")
    step_bytes(learner, BLOBS.train[0:2], Mapping(vectorise=False))
    after = snapshot(learner)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (learner.training, learner.norm, learner.mapping) == (mode, norm, None)
    assert all(p.grad is None for p in learner.parameters())


def test_no_tasks():
    with pytest.raises(ConfigurationError, match="tasks must be at least 1; got 0"):
        adaptation_cost(methods.constant(), SINUSOIDS.test, tasks=0)


def test_json_and_words():
    found = Spent(train_seconds=3.0, adapted=5, adapted_is="state")
    assert Spent(**found.to_json()) == found
    assert [how_long(t) for t in (0.5, 119.0, 121.0, 7300.0)] == ["500 ms", "119 s", "2 min", "2 h"]
