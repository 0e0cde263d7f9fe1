"""What holds for the whole family."""

import pytest
import torch
from torch import nn

from helpers import memory, problems
from helpers.checks import difference, difference_from_finite_differences, largest, measure
from helpers.memory import KINDS, NAMES, ORDERED, make, rows, same, spoiled
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.losses import Gaussian
from innerloop.mapping import Mapping
from innerloop.memory._reader import layers
from innerloop.networks import conv4, mlp
from innerloop.task import Examples, Task, stack, take

EACH = pytest.mark.parametrize("name", NAMES)
BOTH = pytest.mark.parametrize("kind", KINDS)
MAPPINGS = [Mapping.named(kind) for kind in ("loop", "vmap", "captured")]


def predictions(learner, task):
    return learner.predict(learner.adapt(task.support), task.query.x)


@BOTH
@EACH
def test_a_batch_is_one_task_after_the_other(name, kind):
    learner, tasks = make(name, kind), memory.batch(kind)
    outcome = learner(tasks)
    for i in range(3):
        task = take(tasks, i)
        one = predictions(learner, task)
        same(take_prediction(outcome.prediction, i), one)
        torch.testing.assert_close(outcome.losses[i], learner.query_loss(one, task.query).detach())


def take_prediction(prediction, i):
    return Gaussian(*(part[i] for part in prediction)) if isinstance(prediction, Gaussian) else prediction[i]


@BOTH
@EACH
def test_mappings_agree(name, kind):
    # sizes that differ, so that there is padding
    tasks = stack(memory.tasks(kind, ((3, 2), (2, 2), (3, 1))))
    found = []
    # a graph takes a while to record, and knows nothing of classes and numbers
    for mapping in MAPPINGS if kind == "classes" else MAPPINGS[:2]:
        learner = make(name, kind)
        learner.mapping = mapping
        found.append(measure(learner, tasks))
    assert largest(found[0][1]) > 1e-3
    assert all(difference(found[0], other) < 1e-11 for other in found[1:])


@BOTH
@EACH
def test_meta_gradient_is_that_of_finite_differences(name, kind):
    learner = make(name, kind, network=mlp(4, None, [5], activation="softplus"))
    # small enough a step that no rectifier is crossed on the way
    assert difference_from_finite_differences(learner, memory.batch(kind), components=2, step=1e-6) < 1e-6


@pytest.mark.parametrize("mapping", MAPPINGS[:2], ids=str)
@BOTH
@EACH
def test_padding_counts_for_nothing(name, kind, mapping):
    learner = make(name, kind)
    learner.mapping = mapping
    plain = memory.batch(kind)
    each = [take(plain, i) for i in range(3)]
    padded = stack([Task(spoiled(t.support, 3), spoiled(t.query, 2), t.index) for t in each])
    expected, found = measure(learner, plain), measure(learner, padded)
    assert difference(expected, found) < 1e-11


@pytest.mark.parametrize("at", [0, 2, 6])
@BOTH
@EACH
def test_padding_may_stand_anywhere(name, kind, at):
    learner, (task,) = make(name, kind), memory.tasks(kind, ((6, 5),))
    padded = learner.adapt(spoiled(task.support, 3, at))
    same(learner.predict(padded, task.query.x), predictions(learner, task))


@BOTH
@EACH
def test_going_on_from_a_state_is_reading_everything_at_once(name, kind):
    learner, (task,) = make(name, kind), memory.tasks(kind, ((7, 5),))
    first, second, third = (rows(task.support, which) for which in (slice(0, 3), slice(3, 4), slice(4, None)))
    state = learner.adapt(third, learner.adapt(second, learner.adapt(first)))
    same(learner.predict(state, task.query.x), predictions(learner, task))
    # parts that are padded, in the middle of what was read
    state = learner.adapt(spoiled(third, 2), learner.adapt(spoiled(second, 3), learner.adapt(spoiled(first, 1))))
    same(learner.predict(state, task.query.x), predictions(learner, task))


@BOTH
@EACH
def test_a_state_that_was_gone_on_from_is_as_it_was(name, kind):
    learner, (task,) = make(name, kind), memory.tasks(kind, ((7, 5),))
    state = learner.adapt(rows(task.support, slice(0, 4)))
    tensors = [leaf for leaf in state if isinstance(leaf, torch.Tensor)]
    before = [leaf.clone() for leaf in tensors]
    learner.adapt(rows(task.support, slice(4, None)), state)
    learner.predict(state, task.query.x)
    assert all(
        torch.equal(a, b) for a, b in zip(before, [x for x in state if isinstance(x, torch.Tensor)], strict=True)
    )


@BOTH
@EACH
def test_order_counts_where_examples_are_read_one_after_the_other(name, kind):
    learner, (task,) = make(name, kind), memory.tasks(kind, ((6, 5),))
    turned = learner.predict(learner.adapt(rows(task.support, [4, 2, 5, 0, 1, 3])), task.query.x)
    straight = predictions(learner, task)
    if name in ORDERED:
        gap = max((a - b).abs().max() for a, b in zip(parts(turned), parts(straight), strict=True))
        assert gap > 1e-4
    else:
        same(turned, straight)


def parts(prediction):
    return list(prediction) if isinstance(prediction, Gaussian) else [prediction]


@BOTH
@EACH
def test_queries_do_not_see_one_another(name, kind):
    learner, (task,) = make(name, kind), memory.tasks(kind, ((6, 5),))
    state = learner.adapt(task.support)
    together = learner.predict(state, task.query.x)
    alone = [learner.predict(state, task.query.x[i : i + 1]) for i in range(5)]
    for i in range(5):
        for whole, one in zip(parts(together), parts(alone[i]), strict=True):
            torch.testing.assert_close(whole[i : i + 1], one)
    same(learner.predict(state, task.query.x.flip(0)), type_of(together, [p.flip(0) for p in parts(together)]))


def type_of(like, found):
    return Gaussian(*found) if isinstance(like, Gaussian) else found[0]


@BOTH
@EACH
def test_the_support_set_matters(name, kind):
    learner, tasks = make(name, kind), memory.tasks(kind)
    a, b = (learner.predict(learner.adapt(tasks[i].support), tasks[0].query.x) for i in (0, 1))
    assert max((x - y).abs().max() for x, y in zip(parts(a), parts(b), strict=True)) > 1e-4
    # and its targets do
    support = tasks[0].support
    shifted = learner.adapt(Examples(support.x, support.y.roll(1, 0), ways=support.ways))
    c = learner.predict(shifted, tasks[0].query.x)
    assert max((x - y).abs().max() for x, y in zip(parts(a), parts(c), strict=True)) > 1e-4


@EACH
def test_fewer_classes_than_slots(name):
    learner = make(name)
    tasks = problems.batch(ways=2)
    assert learner(tasks).prediction.shape == (3, 6, 2)


@EACH
def test_errors_of_the_targets(name):
    classes, numbers = make(name), make(name, "numbers")
    with pytest.raises(DataError, match="4-way task needs 4 label slots; this learner has 3"):
        classes(problems.batch(ways=4))
    with pytest.raises(DataError, match="built for 3 classes, and the task has numbers"):
        classes(stack(problems.regression()))
    with pytest.raises(DataError, match="built for numbers, and the task has 3 classes"):
        numbers(problems.batch())


@pytest.mark.parametrize("policy", ["batch", "support", "running"])
@EACH
def test_norms_follow_their_policy(name, policy):
    learner, tasks = make(name, network=problems.normed(None), norm=policy), problems.batch()
    norm = learner.network.features[1]
    before = norm.running_mean.clone()
    outcome = learner(tasks)
    outcome.loss.backward()
    assert (not torch.equal(norm.running_mean, before)) == (policy == "running")
    task = take(tasks, 0)
    state = learner.adapt(task.support)
    assert bool(state.statistics) == (policy == "support")
    learner.eval()
    x = task.query.x
    state = learner.adapt(task.support)
    alone, among = learner.predict(state, x[:2]), learner.predict(state, x)[:2]
    if policy == "batch":
        assert not torch.allclose(alone, among)
    else:
        torch.testing.assert_close(alone, among)


def test_later_examples_are_normalised_like_the_first():
    learner = make("cnp", network=problems.normed(None), norm="support")
    (task,) = problems.classification(((9, 6),))
    state = learner.adapt(rows(task.support, slice(0, 6)))
    later = learner.adapt(rows(task.support, slice(6, None)), state)
    assert later.statistics is state.statistics


def test_the_width_of_the_embedding():
    own = nn.Linear(4, 5)
    with pytest.raises(ConfigurationError, match="How many features does Linear give"):
        methods.cnp(own, ways=3)
    learner = methods.cnp(own, ways=3, features=5).double()
    assert learner(problems.batch()).prediction.shape == (3, 6, 3)
    pictures = methods.in_context(conv4(None, 3, size=16), ways=3, width=8, layers=1).double()
    assert pictures(problems.pictures()).prediction.shape == (3, 6, 3)


def test_layers():
    kinds = [type(layer) for layer in layers(3, 4, 5)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear]
    assert layers(3, 4, 5)(torch.zeros(2, 3)).shape == (2, 5)
