"""Every mapping gives the same numbers; padding changes nothing; memory does not grow with the tasks."""

import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from helpers import problems
from helpers.checks import difference, largest, measure
from helpers.learners import ALL, make, outputs
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.task import stack, take

LOOP = Mapping(vectorise=False)
OTHERS = [
    Mapping(vectorise=True), Mapping(vectorise=True, chunk=2), Mapping(vectorise=True, chunk=1),
    Mapping(vectorise=False, channels_last=True),
]  # fmt: skip
POLICIES = ["batch", "support", "running"]
RAGGED = ((3, 4), (7, 6), (5, 3))


def with_mapping(learner, mapping):
    learner.mapping = mapping
    return learner


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(
    ("build", "problem"), [(problems.normed, problems.batch), (problems.convolutional, problems.pictures)]
)
def test_every_mapping_gives_the_numbers_of_the_loop(build, problem, method, policy):
    learner, tasks = make(method, build(outputs(method)), policy), problem()
    for training in (True, False):
        learner.train(training)
        expected = measure(with_mapping(learner, LOOP), tasks)
        assert largest(expected[1]) > 1e-3
        prediction = learner(tasks).prediction
        for mapping in OTHERS:
            assert difference(measure(with_mapping(learner, mapping), tasks), expected) < 1e-12
            torch.testing.assert_close(learner(tasks).prediction, prediction)


@pytest.mark.parametrize("mapping", [LOOP, OTHERS[0], OTHERS[1]], ids=str)
@pytest.mark.parametrize(
    ("build", "policy"),
    [(problems.perceptron, "batch"), *((problems.normed, policy) for policy in POLICIES)],
    ids=["none", *POLICIES],
)
@pytest.mark.parametrize("method", ALL)
def test_padded_tasks_give_what_each_gives_alone(method, build, policy, mapping):
    learner, each = make(method, build(outputs(method)), policy), problems.classification(RAGGED)
    for training in (True, False):
        learner.train(training)
        alone = [measure(with_mapping(learner, LOOP), stack([task])) for task in each]
        losses = torch.cat([one[0] for one in alone])
        gradient = {name: sum(one[1][name] for one in alone) / 3 for name in alone[0][1]}
        assert difference(measure(with_mapping(learner, mapping), stack(each)), (losses, gradient)) < 1e-12


@pytest.mark.parametrize("mapping", [LOOP, OTHERS[0]], ids=str)
@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_padded_pictures_give_what_each_gives_alone(method, mapping):
    each = problems.classification(RAGGED, shape=problems.PICTURE)
    learner = make(method, problems.convolutional(outputs(method)))
    alone = [measure(with_mapping(learner, LOOP), stack([task])) for task in each]
    gradient = {name: sum(one[1][name] for one in alone) / 3 for name in alone[0][1]}
    expected = torch.cat([one[0] for one in alone]), gradient
    assert difference(measure(with_mapping(learner, mapping), stack(each)), expected) < 1e-12


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("method", ALL)
def test_what_stands_in_the_padding_does_not_matter(method, policy):
    learner = make(method, problems.normed(outputs(method)), policy)
    tasks = stack(problems.classification(RAGGED))
    expected = measure(learner, tasks)
    for part in (tasks.support, tasks.query):
        part.x[~part.mask] = 1e3
        part.y[~part.mask] = 2
    assert difference(measure(learner, tasks), expected) < 1e-12


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.tuples(st.integers(2, 7), st.integers(2, 6)), min_size=1, max_size=4),
    ways=st.integers(2, 4),
    chunk=st.integers(1, 5),
    method=st.sampled_from(ALL),
    policy=st.sampled_from(POLICIES),
)
def test_any_shape_of_task_under_any_mapping(sizes, ways, chunk, method, policy):
    each = problems.classification(sizes, ways=ways)
    learner = make(method, problems.normed(None if method == "prototypes" else 4), policy)
    alone = [measure(with_mapping(learner, LOOP), stack([task])) for task in each]
    gradient = {name: sum(one[1][name] for one in alone) / len(each) for name in alone[0][1]}
    expected = torch.cat([one[0] for one in alone]), gradient
    for mapping in (LOOP, Mapping(vectorise=True), Mapping(vectorise=True, chunk=chunk)):
        assert difference(measure(with_mapping(learner, mapping), stack(each)), expected) < 1e-11


@pytest.mark.parametrize("mapping", [LOOP, *OTHERS], ids=str)
def test_backward_weighs_by_the_incoming_gradient_and_accumulates(mapping):
    net, tasks = problems.perceptron(), problems.batch()
    learner = with_mapping(make("maml", net), mapping)
    _, once = measure(learner, tasks)
    learner.zero_grad()
    penalty = sum(p.square().sum() for p in learner.parameters())
    (2 * learner(tasks).loss + 0.5 * penalty).backward()
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, 2 * once[name] + p.detach())
    learner(tasks).loss.backward()
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, 3 * once[name] + p.detach())


def test_autograd_grad_and_a_second_backward_work():
    net = problems.perceptron()
    learner = make("maml", net)
    _, once = measure(learner, problems.batch())
    loss = learner(problems.batch()).loss
    found = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
    again = torch.autograd.grad(loss, list(net.parameters()))
    for a, b, name in zip(found, again, once, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, once[name])


@pytest.mark.parametrize("mapping", [LOOP, *OTHERS], ids=str)
def test_without_gradients_nothing_is_attached(mapping):
    learner = with_mapping(make("maml", problems.normed()), mapping)
    tasks = problems.batch()
    expected = learner(tasks).loss.item()
    with torch.no_grad():
        outcome = learner(tasks)
    assert not outcome.loss.requires_grad
    assert abs(outcome.loss.item() - expected) < 1e-14
    assert not outcome.losses.requires_grad
    assert not outcome.prediction.requires_grad


@pytest.mark.parametrize("mapping", [LOOP, *OTHERS], ids=str)
def test_map_stacks_any_tree_in_the_order_of_the_tasks(mapping):
    tasks = problems.batch(sizes=((6, 6),) * 5)
    found = mapping.map(lambda task: {"sum": task.query.x.sum(), "index": (task.index,)}, tasks)
    assert found["index"][0].tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(found["sum"], tasks.query.x.sum((1, 2)))


class Live(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive, and remembers the peak."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.known = weakref.WeakSet()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage not in self.known:
                    self.known.add(storage)
                    size = storage.nbytes()
                    self.now += size
                    self.peak = max(self.peak, self.now)
                    weakref.finalize(storage, self.released, size)
        return out

    def released(self, size):
        self.now -= size


def peak(learner, count):
    tasks = stack([problems.classification(((60, 60),))[0]] * count)
    with Live() as live:
        learner(tasks).loss.backward()
    return live.peak


@pytest.mark.parametrize("method", ALL)
def test_memory_grows_with_the_chunk_and_not_with_the_tasks(method):
    net = problems.doubled(nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)))
    learner = make(method, net, **({"head": "4.*"} if method == "anil" else {}))

    def growth(mapping):
        learner.mapping = mapping
        return peak(learner, 12) - peak(learner, 4)

    everything = growth(Mapping(vectorise=True))
    # what remains is the data themselves
    assert growth(LOOP) < 0.1 * everything
    assert growth(Mapping(vectorise=True, chunk=2)) < 0.1 * everything


def test_a_chunk_has_a_task():
    with pytest.raises(ConfigurationError, match="at least 1 task; got 0"):
        Mapping(vectorise=True, chunk=0)


@pytest.mark.parametrize("mapping", [LOOP, OTHERS[0]], ids=str)
def test_a_single_task_is_refused_with_the_way_out(mapping):
    task = take(problems.batch(), 0)
    learner = with_mapping(make("maml", problems.perceptron()), mapping)
    with pytest.raises(DataError, match=r"innerloop\.stack\(\[task\]\)"):
        learner(task)


def test_names():
    named = ["loop", "vmap", "vmap in chunks of 2", "vmap in chunks of 1", "loop, channels last"]
    assert [str(m) for m in (LOOP, *OTHERS)] == named
