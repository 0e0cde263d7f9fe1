import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from helpers.learners import ALL, GRADIENT, make, outputs
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.metric import Prototypes
from innerloop.networks import Norm, convert_norms
from innerloop.networks._functional import FunctionalNetwork
from innerloop.networks._norm import NormCall, norm_call
from innerloop.task import Examples, stack, take

POLICIES = ["batch", "support", "running"]
MAPPINGS = [Mapping(vectorise=False), Mapping(vectorise=True)]
SHAPES = [(6, 3), (6, 3, 4), (6, 3, 4, 5)]


def call(norm, x, **asked):
    with norm_call({"n": norm}, NormCall(**asked)) as done:
        return norm(x), done.seen


def some_norm(channels=3):
    norm = Norm(channels).double()
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    return norm


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_on_its_own_it_is_batch_norm(shape, momentum):
    theirs = [nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d][len(shape) - 2](3, momentum=momentum).double()
    ours = Norm(3, momentum=momentum).double()
    for _ in range(3):
        x = torch.randn(shape, dtype=torch.float64)
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_variance, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_through_gives_the_same_batch_statistics(shape):
    norm, x = some_norm(), torch.randn(shape, dtype=torch.float64)
    fused, _ = call(norm, x)
    collected, seen = call(norm, x, collect=True)
    masked, also = call(norm, x, mask=torch.ones(6, dtype=torch.bool), collect=True)
    given, _ = call(norm, x, given=seen)
    for other in (collected, masked, given):
        torch.testing.assert_close(other, fused)
    for a, b in zip(seen["n"], also["n"], strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("shape", SHAPES)
def test_masked_rows_do_not_count(shape):
    norm, x = some_norm(), torch.randn(shape, dtype=torch.float64)
    expected, _ = call(norm, x[[0, 2, 5]])
    mask = torch.tensor([True, False, True, False, False, True])
    found, _ = call(norm, x, mask=mask)
    torch.testing.assert_close(found[mask], expected)


def test_running_statistics_on_demand():
    norm, x = some_norm(), torch.randn(6, 3, dtype=torch.float64)
    norm(x)  # moves the averages
    found, _ = call(norm, x, running=True)
    torch.testing.assert_close(found, norm.eval()(x))


def test_a_call_ends_with_its_block_also_after_an_error():
    norm = Norm(3)
    with pytest.raises(RuntimeError), norm_call({"n": norm}, NormCall()):
        norm(torch.zeros(2, 4))
    assert norm.call is None


def test_statistics_carry_gradient():
    norm, x = some_norm(), torch.randn(6, 3, dtype=torch.float64, requires_grad=True)

    def from_others(x):
        _, seen = call(norm, x[:3], collect=True)
        return call(norm, x[3:], given=seen)[0]

    assert torch.autograd.gradcheck(from_others, x)
    assert torch.autograd.gradgradcheck(from_others, x)


# what the policies mean in a learner


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("policy", "alone"), [("support", True), ("running", True), ("batch", False)])
def test_a_query_alone_gets_the_prediction_it_gets_in_a_batch(method, policy, alone, mapping):
    learner = make(method, problems.normed(outputs(method)), policy).eval()
    learner.mapping = mapping
    tasks = problems.batch()

    def together(task):
        return learner.predict(learner.adapt(task.support), task.query.x)

    def one_by_one(task):
        state = learner.adapt(task.support)
        rows = [learner.predict(state, task.query.x[i : i + 2])[0] for i in range(5)]
        return torch.stack([*rows, learner.predict(state, task.query.x[4:])[1]])

    a, b = learner.map(together, tasks), learner.map(one_by_one, tasks)
    assert torch.allclose(a, b, rtol=0, atol=1e-12) == alone


def test_one_picture_alone_under_support_statistics():
    learner = make("maml", problems.convolutional(), "support").eval()
    task = take(problems.pictures(), 0)
    state = learner.adapt(task.support)
    whole = learner.predict(state, task.query.x)
    torch.testing.assert_close(learner.predict(state, task.query.x[:1]), whole[:1])


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("method", ALL)
def test_running_averages_move_in_training_under_their_policy_only(method, policy, training, mapping):
    learner = make(method, problems.normed(outputs(method)), policy).train(training)
    learner.mapping = mapping
    before = snapshot(learner)
    learner(problems.batch()).loss.backward()
    moved = {name for name, value in learner.state_dict().items() if not torch.equal(value, before[name])}
    expected = {"network.features.1.running_mean", "network.features.1.running_variance"}
    assert moved == (expected if training and policy == "running" else set())


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_running_averages_are_of_the_query_sets(padded, mapping):
    net = problems.normed(None)
    learner = Prototypes(net)
    learner.mapping = mapping
    tasks = problems.classification(((6, 6), (6, 4) if padded else (6, 6)))
    learner(stack(tasks))
    inputs = [net.features[0](task.query.x) for task in tasks]
    mean = sum(z.mean(0) for z in inputs) / 2
    variance = sum(z.var(0, correction=0) for z in inputs) / 2
    torch.testing.assert_close(net.features[1].running_mean, 0.1 * mean)
    torch.testing.assert_close(net.features[1].running_variance, 0.9 + 0.1 * variance)


def test_under_running_in_evaluation_both_sets_take_the_averages():
    net = problems.normed()
    learner = make("fomaml", net, "running")
    for _ in range(3):
        learner(problems.batch())
    learner.eval()
    net.eval()
    task = take(problems.batch(), 0)
    first = list(learner.trajectory(task.support, 1))[1]
    loss = nn.functional.cross_entropy(net(task.support.x), task.support.y)
    (slope,) = torch.autograd.grad(loss, net.features[0].weight)
    torch.testing.assert_close(first.parameters["features.0.weight"], net.features[0].weight - 0.3 * slope)


@pytest.mark.parametrize("method", GRADIENT)
def test_without_norm_layers_the_policy_is_none(method):
    assert make(method, problems.perceptron(), "batch").norm == "none"
    assert make(method, problems.normed(), "batch").norm == "batch"


# other people's norm layers


def foreign(**settings):
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, **settings), nn.ReLU(), nn.Linear(5, 3)).double()


@pytest.mark.parametrize("method", ALL[:2] + ALL[3:])
@pytest.mark.parametrize("policy", POLICIES)
def test_running_statistics_that_are_not_ours_are_refused(method, policy):
    with pytest.raises(ConfigurationError, match=r"Layer '1' is a BatchNorm1d with running statistics.*convert_norms"):
        make(method, foreign(), policy)


@pytest.mark.parametrize("policy", ["support", "running", "none"])
def test_a_foreign_batch_norm_follows_no_policy_but_batch(policy):
    with pytest.raises(ConfigurationError, match=rf"norm='{policy}' needs innerloop's norm layers; '1'"):
        make("maml", foreign(track_running_stats=False), policy)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_foreign_batch_norm_without_running_statistics_is_one_of_ours_under_batch(mapping):
    net = foreign(track_running_stats=False)
    learner, tasks = make("maml", net), problems.batch()
    learner.mapping = mapping
    expected = learner(tasks).losses
    ours = make("maml", convert_norms(net))
    torch.testing.assert_close(ours(tasks).losses, expected)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_foreign_batch_norm_is_refused_on_padded_tasks(mapping):
    learner = make("maml", foreign(track_running_stats=False))
    learner.mapping = mapping
    with pytest.raises(ConfigurationError, match=r"'1' computes batch statistics and cannot see the mask"):
        learner(stack(problems.classification(((6, 6), (4, 6)))))


def test_unknown_policies_and_a_none_that_is_not_true_are_refused():
    with pytest.raises(ConfigurationError, match="one of batch, support, running, none; got 'bach'"):
        make("maml", problems.perceptron(), "bach")
    with pytest.raises(ConfigurationError, match=r"norm='none'.*'features\.1'"):
        make("maml", problems.normed(), "none")
    FunctionalNetwork(problems.perceptron(), "none")


# conversion


def trained(dtype):
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=1e-3), nn.ReLU(),
        nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4 * 36, affine=False), nn.Linear(4 * 36, 3)),
    ).to(dtype)  # fmt: skip
    with torch.no_grad():
        net[1].weight.normal_()
        net[1].bias.normal_()
    for _ in range(3):
        net(3 * torch.randn(10, 1, 8, 8, dtype=dtype) + 1)
    return net


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("training", [True, False])
def test_converted_norms_give_the_original_output(dtype, training):
    net, x = trained(dtype), torch.randn(5, 1, 8, 8, dtype=dtype)
    expected = net.eval()(x)
    converted = convert_norms(net.train(training))
    assert all(module.training == training for module in converted.modules())
    torch.testing.assert_close(converted.eval()(x), expected)


def test_conversion_keeps_what_is_frozen_and_adds_nothing_to_learn():
    net = trained(torch.float32)
    net[1].requires_grad_(False)
    before = {name for name, p in net.named_parameters() if p.requires_grad}
    assert {name for name, p in convert_norms(net).named_parameters() if p.requires_grad} == before


def test_conversion_leaves_no_foreign_norm_and_shares_no_memory():
    original = nn.BatchNorm2d(2)
    converted = convert_norms(nn.Sequential(original))
    assert isinstance(converted[0], Norm)
    with torch.no_grad():
        converted[0].weight.zero_()
        converted[0].running_mean.fill_(9)
    assert original.weight.tolist() == [1, 1]
    assert original.running_mean.tolist() == [0, 0]
    assert isinstance(convert_norms(original), Norm)


@pytest.mark.parametrize(("theirs", "ours"), [(0.0, 0.0), (0.3, 0.3), (None, 0.1)])
def test_conversion_keeps_the_momentum(theirs, ours):
    assert convert_norms(nn.BatchNorm1d(2, momentum=theirs)).momentum == ours


@pytest.mark.parametrize("policy", ["batch", "support"])
def test_one_value_has_no_statistics_and_the_error_says_so(policy):
    learner = make("maml", nn.Sequential(nn.Linear(4, 3), Norm(3)), policy)
    support = Examples(torch.randn(1, 4), torch.zeros(1, dtype=torch.int64), None, 3)
    with pytest.raises(DataError, match=r"Batch statistics need two values.*\(1, 4\).*at least 2 examples"):
        learner.adapt(support)
