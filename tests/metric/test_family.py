"""What holds for every learner that compares in an embedding."""

import copy

import pytest
import torch

from helpers import comparing, family, problems, reference
from helpers.checks import difference, difference_from_finite_differences, largest, measure, snapshot
from innerloop import metric
from innerloop.errors import DataError, TrainingError
from innerloop.mapping import Mapping
from innerloop.networks import Norm, conv_maps
from innerloop.task import Examples, stack, take

LOOP, VMAP, CAPTURED = (Mapping.named(name) for name in ("loop", "vmap", "captured"))
EACH = pytest.mark.parametrize("name", comparing.LEARNERS)
WITHOUT_ORDER = [name for name in comparing.LEARNERS if name != "matching with context"]

NETWORKS = {
    "mlp": (problems.perceptron, reference.perceptron, problems.batch),
    "mlp-norm": (problems.normed, reference.normed, problems.batch),
    "conv-pool": (problems.convolutional, reference.pooled, problems.pictures),
}


def make(name, network=None, **more):
    return comparing.LEARNERS[name](problems.perceptron(None) if network is None else network, **more)


def under(learner, mapping, tasks):
    learner.mapping = mapping
    return measure(learner, tasks)


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@pytest.mark.parametrize(
    ("network", "policy"),
    [("mlp", "running"), *(("mlp-norm", policy) for policy in ("batch", "support", "running")), ("conv-pool", "batch")],
)
@EACH
def test_meta_gradient_is_that_of_an_independent_computation(name, network, policy, mapping):
    build, forward, problem = NETWORKS[network]
    learner, tasks = make(name, build(None), norm=policy), problem()
    theta = dict(learner.named_parameters())
    expected = family.meta(comparing.REFERENCES[name], forward, theta, tasks, policy=policy)
    assert largest(expected[1]) > 1e-3
    assert difference(under(learner, mapping, tasks), expected) < 1e-9


@pytest.mark.parametrize(("build", "policy"), [(problems.perceptron, "none"), (problems.normed, "support")])
@EACH
def test_meta_gradient_is_that_of_finite_differences(name, build, policy):
    learner = make(name, build(None, "softplus"), norm=policy)
    if name == "relation":
        learner.relation = learner._relate.network = comparing.relation_module(activation="softplus")
    assert difference_from_finite_differences(learner, problems.batch()) < 1e-6


@pytest.mark.parametrize("policy", ["support", "running"])
@EACH
def test_a_captured_step_gives_the_numbers_of_the_loop(name, policy):
    # small: a graph of LSTMs takes seconds to record
    learner, tasks = make(name, problems.normed(None), norm=policy), problems.batch(sizes=((3, 3), (3, 3)))
    other = copy.deepcopy(learner)
    for _ in range(2):  # the second is a replay; running averages move in between
        expected = under(other, LOOP, tasks)
        assert difference(under(learner, CAPTURED, tasks), expected) < 1e-9
    assert learner._workspace.graphs.captures == 1
    for key, value in other.state_dict().items():
        torch.testing.assert_close(learner.state_dict()[key], value)


@pytest.mark.parametrize("training", [True, False])
@EACH
def test_learning_one_task_is_what_the_batch_does(name, training):
    learner, tasks = make(name, problems.normed(None), norm="running").train(training), problems.batch()
    before = snapshot(learner)
    each = []
    for i in range(3):
        task = take(tasks, i)
        each.append(learner.predict(learner.adapt(task.support), task.query.x, task.query.mask))
    assert all(torch.equal(value, before[key]) for key, value in learner.state_dict().items())
    for mapping in (LOOP, VMAP):
        learner.mapping = mapping
        torch.testing.assert_close(learner(tasks).prediction, torch.stack(each).detach())
        learner.load_state_dict(before)


def shuffled(support, seed=0):
    order = torch.randperm(len(support), generator=torch.Generator().manual_seed(seed))
    return support.map(lambda leaf: leaf[order])


@EACH
def test_the_order_of_the_support_set_matters_only_to_full_context(name):
    learner, task = make(name), problems.classification(((9, 6),))[0]
    with torch.no_grad():
        first, second = (
            learner.predict(learner.adapt(support), task.query.x) for support in (task.support, shuffled(task.support))
        )
    if name in WITHOUT_ORDER:
        torch.testing.assert_close(first, second, rtol=0, atol=1e-9)
    else:
        assert (first - second).abs().max() > 1e-6


@pytest.mark.parametrize(("build", "training"), [(problems.perceptron, True), (problems.normed, False)])
@EACH
def test_adding_examples_is_reading_all_of_them(name, build, training):
    learner = make(name, build(None), norm="running" if build is problems.normed else "none").train(training)
    task = problems.classification(((14, 6),))[0]
    parts = [task.support.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(3), slice(3, 7), slice(7, None))]
    state = None
    with torch.no_grad():
        for part in parts:
            state = learner.adapt(part, state)
        expected = learner.predict(learner.adapt(task.support), task.query.x)
        torch.testing.assert_close(learner.predict(state, task.query.x), expected, rtol=0, atol=1e-9)
    assert state.ways == 3


@pytest.mark.parametrize("norm", ["batch", "support", "running"])
@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@EACH
def test_padding_counts_for_nothing(name, norm, mapping):
    """Tasks of unequal size, padded with rubbish, against each of them alone."""
    learner = make(name, problems.normed(None), norm=norm)
    learner.mapping = mapping
    each = problems.classification(((6, 5), (9, 7), (4, 3)))
    alone = [measure(copy.deepcopy(learner), stack([task])) for task in each]
    tasks = stack(each)
    for examples in (tasks.support, tasks.query):
        examples.x[~examples.mask] = 1e3
        examples.y[~examples.mask] = 1
    losses, gradient = measure(learner, tasks)
    torch.testing.assert_close(losses, torch.cat([loss for loss, _ in alone]), rtol=0, atol=1e-9)
    for key, slope in gradient.items():
        mean = torch.stack([g[key] for _, g in alone]).mean(0)
        torch.testing.assert_close(slope, mean, rtol=0, atol=1e-9)


def interleaved(examples: Examples) -> Examples:
    """The same examples, every second row padding."""
    count = 2 * len(examples)
    mask = torch.arange(count) % 2 == 1
    x = torch.full((count, *examples.x.shape[1:]), 7.0, dtype=examples.x.dtype)
    y = torch.zeros(count, dtype=torch.int64)
    x[mask], y[mask] = examples.x, examples.y
    return Examples(x, y, mask, examples.ways)


@EACH
def test_padding_may_stand_anywhere(name):
    learner, task = make(name), problems.classification(((6, 5),))[0]
    padded = interleaved(task.support)
    with torch.no_grad():
        expected = learner.predict(learner.adapt(task.support), task.query.x)
        found = learner.predict(learner.adapt(padded), task.query.x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("ways", [2, 5, 7])
@EACH
def test_any_number_of_ways(name, ways):
    learner = make(name)
    tasks = stack(problems.classification(((ways, 2 * ways), (2 * ways, 2 * ways)), ways=ways))
    losses, gradient = measure(learner, tasks)
    assert learner(tasks).prediction.shape == (2, 2 * ways, ways)
    assert losses.isfinite().all()
    assert largest(gradient) > 0


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@EACH
def test_a_class_without_examples_spoils_nothing(name, mapping):
    learner, tasks = make(name), problems.batch()
    tasks.support.y[tasks.support.y == 2] = 1
    losses, gradient = under(learner, mapping, tasks)
    assert losses.isfinite().all()
    assert all(g.isfinite().all() for g in gradient.values())


@EACH
def test_embeddings_of_nothing_but_zeros_have_finite_slopes(name):
    network = problems.perceptron(None)
    with torch.no_grad():
        network.features[3].bias.fill_(-100)  # no unit fires
    losses, gradient = measure(make(name, network), problems.batch())
    assert losses.isfinite().all()
    assert largest(gradient) < 1e3


def keep(kind, method, change):
    """`method` of `kind` with its result changed."""
    before = getattr(kind, method)
    return kind, method, lambda self, *arguments: change(before(self, *arguments))


PLANTED = {
    "the weights are constants": ("ridge", keep(metric.Ridge, "_solve", torch.Tensor.detach)),
    "support embeddings are constants": (
        "matching",
        keep(metric.Matching, "learn", lambda state: state._replace(context=state.context.detach())),
    ),
    "classes are means": (
        "relation",
        keep(metric.Relation, "adapt", lambda state: state._replace(sums=state.sums / state.counts[:, None])),
    ),
    "the dual weights are constants": (
        "svm",
        keep(metric.SVM, "learn", lambda state: state._replace(weight=state.weight.detach())),
    ),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_likely_mistakes_are_found(bug, monkeypatch):
    name, planted = PLANTED[bug]
    learner, tasks = make(name), problems.batch()
    theta = dict(learner.named_parameters())
    expected = family.meta(comparing.REFERENCES[name], reference.perceptron, theta, tasks)
    monkeypatch.setattr(*planted)
    learner.mapping = LOOP
    if bug == "the weights are constants":
        with pytest.raises(TrainingError, match=r"reaches strength\.log"):
            learner(tasks)
    else:
        assert difference(measure(learner, tasks), expected) > 1e-3


@EACH
def test_training_lowers_the_loss(name):
    learner = make(name)
    tasks = stack(problems.classification(((6, 12),) * 4))
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.03)
    before = learner(tasks).loss.item()
    for _ in range(40):
        optimiser.zero_grad()
        loss = learner(tasks).loss
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.8 * before


@pytest.mark.parametrize("name", [name for name in comparing.LEARNERS if name != "ridge"])
def test_tasks_without_classes_are_refused(name):
    with pytest.raises(DataError, match=r"need classes; this task has none .*ridge"):
        make(name)(stack(problems.regression()))


@EACH
def test_own_parameters_follow_the_network(name):
    learner = comparing.LEARNERS[name](problems.perceptron(None))
    assert {p.dtype for p in learner.parameters()} == {torch.float64}


def test_running_averages_of_all_norm_layers_move_under_every_mapping():
    torch.manual_seed(0)
    network = conv_maps(3, size=16).double()
    module = comparing.relation_module(network.map_shape, norm=True)
    tasks, found = problems.pictures(), []
    for mapping in (LOOP, VMAP, CAPTURED):
        learner = metric.Relation(copy.deepcopy(network), relation=copy.deepcopy(module))
        learner.mapping = mapping
        learner(tasks)
        norms = [part for part in learner.modules() if isinstance(part, Norm)]
        assert len(norms) == 6
        assert all(norm.running_mean.any() for norm in norms)
        found.append(snapshot(learner))
    for other in found[1:]:
        for key, value in found[0].items():
            torch.testing.assert_close(other[key], value, rtol=0, atol=1e-9)
