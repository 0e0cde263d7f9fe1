import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.networks import build
from innerloop.task import Examples, Task, stack, take
from innerloop.transfer import Constant, Joint, JointState, Pretraining, with_new_head


def flat_batch(classes=3, size=12):
    """A batch of merged classes as a source's flat view gives it: a task with an empty support set."""
    query = take(problems.batch(sizes=((size, size),), ways=classes), 0).query
    support = query.map(lambda leaf: leaf[:0])
    return stack([Task(support=support, query=query)])


@pytest.mark.parametrize("mapping", [Mapping(vectorise=False), Mapping(vectorise=True)], ids=str)
def test_pretraining_is_ordinary_classification(mapping):
    net, tasks = problems.normed(3), flat_batch()
    learner = Pretraining(net, smoothing=0.2)
    learner.mapping = mapping
    loss = learner(tasks).loss
    loss.backward()
    fresh = problems.normed(3)
    fresh.load_state_dict(snapshot(net))
    expected = F.cross_entropy(fresh(tasks.query.x[0]), tasks.query.y[0], label_smoothing=0.2)
    expected.backward()
    torch.testing.assert_close(loss.detach(), expected.detach())
    for ours, theirs in zip(net.parameters(), fresh.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_pretraining_takes_the_flat_view_and_the_others_take_tasks():
    class Source:
        def flat(self):
            return "flat"

    source = Source()
    assert Pretraining(problems.perceptron()).training_source(source) == "flat"
    assert methods.maml(problems.perceptron()).training_source(source) is source


def test_pretraining_compares_frozen_features_by_cosine():
    net, task = problems.perceptron(9), take(problems.batch(), 0)
    learner = Pretraining(net)
    nearest = methods.nearest_mean(net.features)
    expected = nearest.predict(nearest.adapt(task.support), task.query.x)
    torch.testing.assert_close(learner.predict(learner.adapt(task.support), task.query.x), expected)


@pytest.mark.parametrize("training", [True, False])
def test_adapting_leaves_every_module_in_its_mode(training):
    net = problems.normed(3)
    net.features.append(nn.Dropout(0.5))
    learner, task = Pretraining(net).train(training), take(problems.batch(), 0)
    before = snapshot(learner)
    learner.predict(learner.adapt(task.support), task.query.x)
    assert all(module.training == training for module in learner.modules())
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_pretraining_uses_running_statistics_on_tasks_also_while_training():
    learner, task = Pretraining(problems.normed(3)), take(problems.batch(), 0)
    learner(flat_batch())
    state = learner.adapt(task.support)
    whole = learner.predict(state, task.query.x)
    torch.testing.assert_close(learner.predict(state, task.query.x[:1]), whole[:1])


def test_pretraining_errors():
    with pytest.raises(ConfigurationError, match="Linear has no submodule `features`"):
        Pretraining(nn.Linear(1, 1))
    with pytest.raises(ConfigurationError, match=r"on 4 classes needs as many outputs; the network has 3"):
        Pretraining(problems.perceptron(3))(flat_batch(classes=4))


@pytest.mark.parametrize("mapping", [Mapping(vectorise=False), Mapping(vectorise=True)], ids=str)
def test_joint_training_is_ordinary_regression_blind_to_the_support_set(mapping):
    net, each = problems.perceptron(1), problems.regression()
    learner = Joint(net)
    learner.mapping = mapping
    learner(stack(each)).loss.backward()
    x, y = torch.cat([task.query.x for task in each]), torch.cat([task.query.y for task in each])
    expected = torch.autograd.grad(F.mse_loss(net(x), y), list(net.parameters()))
    for p, slope in zip(net.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, slope)
    torch.testing.assert_close(learner.predict(learner.adapt(each[0].support), x), net(x))


def test_joint_training_keeps_running_averages():
    learner = Joint(problems.normed(1))
    learner(stack(problems.regression()))
    assert learner.network.features[1].running_mean.any()
    x = torch.randn(5, 4, dtype=torch.float64)
    torch.testing.assert_close(learner.eval().predict(JointState(), x), learner.network.eval()(x))


def test_a_new_head_is_zero_and_the_features_are_a_copy():
    old = problems.perceptron(9)
    new = with_new_head(old, 3)
    x = torch.randn(2, 4)
    assert not new.float()(x).any()
    new.features[1].weight.data.zero_()
    assert old.features[1].weight.any()
    assert with_new_head(build({"network": "mlp", "inputs": 1, "outputs": 9}), 3).spec["outputs"] == 3
    with pytest.raises(ConfigurationError, match="no `features` and `width`"):
        with_new_head(nn.Linear(1, 1), 3)


@pytest.mark.parametrize("method", ["linear_head", "fine_tune", "from_scratch"])
def test_tuning_learns_the_support_set(method):
    net = problems.perceptron(3)
    settings = {"inner_steps": 60, "inner_lr": 0.05}
    learner = getattr(methods, method)(net, *([] if method == "from_scratch" else [3]), **settings).double()
    task = take(problems.batch(), 0)
    before = snapshot(learner)
    with torch.no_grad():
        state = learner.adapt(task.support)
    assert (learner.predict(state, task.support.x).argmax(1) == task.support.y).double().mean() > 0.9
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert learner.family == "transfer"
    assert set(state.parameters) == (
        {"head.weight", "head.bias"} if method == "linear_head" else {n for n, _ in net.named_parameters()}
    )


def test_nearest_mean_of_raw_inputs_has_nothing_to_learn():
    learner, tasks = methods.nearest_mean(), problems.pictures()
    outcome = learner(tasks)
    assert not list(learner.parameters())
    assert not outcome.loss.requires_grad
    assert (outcome.prediction.argmax(-1) == tasks.query.y).double().mean() > 0.9


def test_ridge_on_raw_inputs_is_the_closed_form():
    learner, tasks = methods.raw_ridge(penalty=0.3), problems.pictures()
    task = take(tasks, 0)
    x, y = task.support.x.flatten(1).double(), nn.functional.one_hot(task.support.y).double()
    x = torch.cat([x, torch.ones(len(x), 1)], 1)
    weight = torch.linalg.solve(x.T @ x + 0.3 * torch.eye(x.shape[1]), x.T @ y)
    expected = task.query.x.flatten(1).double() @ weight[:-1] + weight[-1]
    found = learner.predict(learner.adapt(task.support), task.query.x).double() / learner.start
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert not any(parameter.requires_grad for parameter in learner.parameters())
    assert learner.family == "transfer"


@pytest.mark.parametrize("mapping", [Mapping(vectorise=False), Mapping(vectorise=True)], ids=str)
def test_the_constant_is_the_mean_target_or_the_class_frequencies(mapping):
    learner = Constant()
    learner.mapping = mapping
    x, y = torch.zeros(4, 1), torch.tensor([[1.0], [2.0], [3.0], [99.0]])
    mask = torch.tensor([True, True, True, False])
    task = Task(Examples(x, y, mask), Examples(x, y, mask))
    assert learner(stack([task])).prediction.tolist() == [[[2.0]] * 4]
    y = torch.tensor([0, 0, 1, 1])
    task = Task(Examples(x, y, mask, ways=2), Examples(x, y, mask, ways=2))
    torch.testing.assert_close(learner(stack([task])).prediction.exp()[0, 0], torch.tensor([2 / 3, 1 / 3]))


def test_the_constant_goes_on_from_a_state():
    learner = Constant()
    one, two = (Examples(torch.zeros(1, 1), torch.tensor([[v]])) for v in (1.0, 4.0))
    state = learner.adapt(two, learner.adapt(one))
    assert learner.predict(state, one.x).tolist() == [[2.5]]
