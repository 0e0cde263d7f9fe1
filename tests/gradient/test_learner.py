import copy

import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import difference, finite_differences, measure, snapshot
from helpers.learners import make
from innerloop.errors import ConfigurationError, TrainingError
from innerloop.gradient import SGD, Adam, FirstOrder, GradientLearner, Reptile, Unrolled
from innerloop.losses import squared_error
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, Norm
from innerloop.task import Examples, Task, stack, take

MAPPINGS = [Mapping(vectorise=False), Mapping(vectorise=True), Mapping(vectorise=True, chunk=2)]


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=1e-14)


@pytest.mark.parametrize("norm", ["batch", "support", "running"])
@pytest.mark.parametrize("optimiser", [SGD(0.2), SGD(0.2, momentum=0.9), Adam(0.05)], ids=["sgd", "momentum", "adam"])
def test_going_on_from_a_state_is_as_if_it_had_never_stopped(optimiser, norm):
    learner = GradientLearner(problems.normed(), optimiser=optimiser, steps=5, norm=norm)
    support = problems.classification()[0].support
    whole = learner.adapt(support)
    learner.steps = 2
    state = learner.adapt(support)
    learner.steps = 3
    state = learner.adapt(support, state)
    assert state.steps == whole.steps == 5
    assert_same(state.parameters, whole.parameters)
    for name, (mean, variance) in whole.statistics.items():
        assert_same({0: mean, 1: variance}, dict(enumerate(state.statistics[name])))


@pytest.mark.parametrize("norm", ["batch", "support"])
def test_trajectory_has_the_start_and_every_step(norm):
    learner = make("anil", problems.normed(), norm)
    support = problems.classification()[0].support
    states = list(learner.trajectory(support, 4))
    assert [state.steps for state in states] == [0, 1, 2, 3, 4]
    assert states[0].parameters["head.bias"] is learner.network.head.bias
    for state in states[1:]:
        learner.steps = state.steps
        expected = learner.adapt(support)
        assert_same(state.parameters, expected.parameters)
        assert state.statistics.keys() == expected.statistics.keys()
        assert bool(state.statistics) == (norm == "support")


def test_evaluation_takes_its_own_number_of_steps():
    learner = GradientLearner(problems.perceptron(), steps=2, test_steps=7)
    support = problems.classification()[0].support
    assert learner.adapt(support).steps == 2
    assert learner.eval().adapt(support).steps == 7


def test_adapting_changes_neither_the_network_nor_the_state():
    learner = make("maml", problems.normed())
    before, support = snapshot(learner), problems.classification()[0].support
    state = learner.adapt(support)
    kept = {name: p.detach().clone() for name, p in state.parameters.items()}
    learner.adapt(support, state)
    assert_same(before, snapshot(learner))
    assert_same({n: p.detach() for n, p in state.parameters.items()}, kept)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("norm", ["batch", "support", "running"])
@pytest.mark.parametrize("padded", [False, True])
def test_cached_features_change_nothing(padded, norm, mapping):
    class Plain(nn.Module):  # the same network, not known to be a Backbone
        def __init__(self, backbone):
            super().__init__()
            self.features, self.head = backbone.features, backbone.head

        def forward(self, x):
            return self.head(self.features(x))

    sizes = ((6, 6), (9, 4)) if padded else ((6, 6), (6, 6))
    net, tasks = problems.normed(), stack(problems.classification(sizes))
    cached, plain = make("anil", net, norm), make("anil", Plain(net), norm)
    cached.mapping = plain.mapping = mapping
    assert cached._split
    assert not plain._split
    assert difference(measure(cached, tasks), measure(plain, tasks)) < 1e-12


def test_features_are_computed_once_for_the_support_and_once_for_the_query():
    net, calls = problems.perceptron(), []
    net.features.register_forward_hook(lambda *_: calls.append(1))
    learner = GradientLearner(net, which="head", steps=5)
    learner.mapping = Mapping(vectorise=False)
    learner(stack(problems.classification()[:1]))
    assert len(calls) == 2


@pytest.mark.parametrize("norm", ["batch", "support", "running"])
@pytest.mark.parametrize("training", [True, False])
def test_a_norm_in_the_head_sees_the_mask_and_the_policy(norm, training):
    head = nn.Sequential(nn.Linear(5, 4), Norm(4), nn.Linear(4, 3))
    net = Backbone(nn.Sequential(nn.Linear(4, 5), nn.Tanh()), head, 5).double()
    tasks = stack(problems.classification(((6, 6), (9, 4))))
    learner = make("anil", net, norm).train(training)
    other = GradientLearner(net, which=["head.*"], optimiser=SGD(0.3), steps=2, norm=norm).train(training)
    other._split = False
    assert difference(measure(learner, tasks), measure(other, tasks)) < 1e-12


def test_a_forward_of_ones_own_between_features_and_head_is_used():
    class Squared(Backbone):
        def forward(self, x):
            return self.head(self.features(x) ** 2)

    net = problems.perceptron()
    learner = make("anil", squared := Squared(net.features, net.head, 5))
    task = problems.classification()[0]
    (state,) = list(learner.trajectory(task.support, 1))[1:]
    loss = nn.functional.cross_entropy(squared(task.support.x), task.support.y)
    (slope,) = torch.autograd.grad(loss, net.head.bias)
    torch.testing.assert_close(state.parameters["head.bias"], net.head.bias - 0.3 * slope)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ["maml", "anil", "fomaml", "reptile"])
def test_tied_weights_move_together(method, mapping):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 4, bias=False)
            self.features = nn.Linear(4, 4, bias=False)
            self.features.weight = self.head.weight

        def forward(self, x):
            return self.head(torch.tanh(self.features(x)))

    class Once(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.head = nn.ParameterDict({"weight": nn.Parameter(weight.detach().clone())})

        def forward(self, x):
            w = self.head["weight"]
            return torch.tanh(x @ w.T) @ w.T

    tied = Tied().double()
    once, tasks = Once(tied.head.weight), problems.batch()
    a, b = make(method, tied), make(method, once)
    a.mapping = b.mapping = mapping
    assert difference(measure(a, tasks), measure(b, tasks)) < 1e-12


def test_a_tied_backbone_does_not_cache_its_features():
    features, head = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

    class HeadFirst(Backbone):
        def __init__(self):
            super().__init__(nn.Identity(), nn.Identity(), 4)
            del self.features, self.head
            self.head, self.features = head, features
            self.features.weight = self.head.weight

    assert not GradientLearner(HeadFirst(), which="head")._split


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_inputs_may_be_trees(mapping):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(2, 3), nn.Linear(2, 3, bias=False)

        def forward(self, x):
            return self.left(x["left"]) + self.right(x["deep"][0])

    def split(examples):
        x = {"left": examples.x[..., :2], "deep": [examples.x[..., 2:]]}
        return Examples(x, examples.y, examples.mask, examples.ways)

    two = Two().double()
    joined = nn.Linear(4, 3).double()
    with torch.no_grad():
        joined.weight.copy_(torch.cat([two.left.weight, two.right.weight], 1))
        joined.bias.copy_(two.left.bias)
    tasks = problems.classification(((6, 4), (3, 6), (5, 5)))
    trees = stack([Task(split(t.support), split(t.query), t.index) for t in tasks])
    a, b = make("fomaml", two), make("fomaml", joined)
    a.mapping = b.mapping = mapping
    losses, gradient = measure(a, trees)
    expected, joint = measure(b, stack(tasks))
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(torch.cat([gradient["left.weight"], gradient["right.weight"]], 1), joint["weight"])


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_dropout_runs_and_differs_between_tasks(mapping):
    net = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Linear(50, 3)).double()
    learner = make("maml", net)
    learner.mapping = mapping
    same = stack([problems.classification()[0]] * 3)
    losses, gradient = measure(learner, same)
    assert len(set(losses.tolist())) == 3
    assert all(g.isfinite().all() for g in gradient.values())
    learner.eval()
    assert len({round(value, 12) for value in learner(same).losses.tolist()}) == 1


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ["maml", "fomaml", "reptile"])
def test_frozen_parameters_neither_adapt_nor_learn(method, mapping):
    net = problems.perceptron()
    net.features.requires_grad_(False)
    learner = make(method, net)
    learner.mapping = mapping
    assert learner.adapted_names == ["head.weight", "head.bias"]
    _, gradient = measure(learner, problems.batch())
    assert gradient.keys() == {"head.weight", "head.bias"}
    assert all(p.grad is None for p in net.features.parameters())


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ["maml", "fomaml", "anil"])
def test_an_unused_parameter_is_named(method, mapping):
    class Unused(Backbone):
        def __init__(self):
            super().__init__(nn.Linear(4, 5), nn.Linear(5, 3), 5)
            self.forgotten = nn.Linear(1, 1)

    learner = make(method, Unused().double())
    learner.mapping = mapping
    with pytest.raises(TrainingError, match=r"network\.forgotten\.weight, network\.forgotten\.bias"):
        learner(problems.batch())
    learner.network.forgotten.requires_grad_(False)
    make(method, learner.network)(problems.batch()).loss.backward()


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_network_that_cuts_its_graph_is_reported(mapping):
    class Cut(nn.Linear):
        def forward(self, x):
            return super().forward(x).detach()

    learner = make("prototypes", Cut(4, 5).double())
    learner.mapping = mapping
    with pytest.raises(TrainingError, match=r"No meta-gradient reaches network\.weight"):
        learner(problems.batch())


def test_reptile_refuses_what_it_would_never_teach():
    with pytest.raises(ConfigurationError, match=r"features\.1\.weight.*would never\s+learn"):
        GradientLearner(problems.perceptron(), which="head", outer_gradient=Reptile())


@pytest.mark.parametrize("settings", [{"steps": 0}, {"test_steps": 0}, {"steps": -1}])
def test_an_inner_loop_has_a_step(settings):
    with pytest.raises(ConfigurationError, match="steps must be at least 1"):
        GradientLearner(problems.perceptron(), **settings)


def test_inner_and_outer_loss_are_the_given_one():
    net = problems.perceptron(1)
    learner = GradientLearner(net, optimiser=SGD(0.1), loss=lambda p, e: 10 * squared_error(p, e))
    plain = GradientLearner(net, optimiser=SGD(1.0))
    tasks = stack(problems.regression())
    torch.testing.assert_close(learner(tasks).losses, 10 * plain(tasks).losses)


@pytest.mark.parametrize("outer_gradient", [Unrolled(), FirstOrder(), Reptile()])
def test_a_copy_is_a_learner_of_its_own(outer_gradient):
    learner = GradientLearner(problems.normed(), outer_gradient=outer_gradient, optimiser=SGD(0.3))
    twin, tasks = copy.deepcopy(learner), problems.batch()
    expected = measure(learner, tasks)
    with torch.no_grad():
        for p in learner.parameters():
            p.zero_()
    assert difference(measure(twin, tasks), expected) == 0


def test_meta_parameters_of_the_inner_optimiser_learn_too():
    class Learned(SGD):
        def __init__(self):
            super().__init__(1.0)
            self.log_rate = nn.Parameter(torch.tensor(-1.0, dtype=torch.float64))

        def update(self, gradients, state, parameters, step, loss):
            return {n: p - self.log_rate.exp() * gradients[n] for n, p in parameters.items()}, state

    learner = GradientLearner(problems.perceptron(3, "softplus"), optimiser=Learned(), steps=2)
    tasks, rate = problems.batch(), learner.optimiser.log_rate
    learner(tasks).loss.backward()
    expected = finite_differences(lambda: learner(tasks).loss, {"rate": rate}, {"rate": [0]})["rate"]
    torch.testing.assert_close(rate.grad.view(1), expected, rtol=0, atol=1e-6)
    assert abs(float(expected)) > 1e-3


def test_adapting_lowers_the_support_loss():
    learner = GradientLearner(problems.perceptron(), optimiser=SGD(0.3), steps=20)
    task = take(problems.batch(), 0)

    def loss(state):
        return learner.query_loss(learner.predict(state, task.support.x), task.support).item()

    assert loss(learner.adapt(task.support)) < loss(learner.start(task.support)) - 0.1
