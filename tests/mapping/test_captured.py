"""A captured step gives the numbers of the eager one, also after anything that it depends on has changed."""

import copy
import gc
import pickle

import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import difference, largest, measure, warnings
from helpers.learners import ALL, make, outputs
from innerloop import methods
from innerloop.gradient import SGD, GradientLearner
from innerloop.mapping import Mapping
from innerloop.networks import Backbone
from innerloop.task import Examples, Task, stack, take

LOOP, VMAP = Mapping.named("loop"), Mapping.named("vmap")
CAPTURED = [Mapping.named("captured"), Mapping.named("captured", chunk=2), Mapping(False, graph="captured")]


def captures(learner):
    return learner._workspace.graphs.captures


def under(learner, mapping, tasks):
    learner.mapping = mapping
    return measure(learner, tasks)


def captured(method="maml", network=None, **settings):
    learner = make(method, problems.perceptron() if network is None else network, **settings)
    learner.mapping = CAPTURED[0]
    return learner


def agrees(learner, tasks):
    """A captured step twice, so that the second is a replay, and the loop."""
    under(learner, CAPTURED[0], tasks)
    found = under(learner, CAPTURED[0], tasks)
    return difference(found, under(learner, LOOP, tasks)) < 1e-9


@pytest.mark.parametrize(
    ("build", "problem", "mapping"),
    [
        *((problems.normed, problems.batch, mapping) for mapping in CAPTURED),
        (problems.convolutional, problems.pictures, CAPTURED[0]),
    ],
)
@pytest.mark.parametrize("method", ALL)
def test_the_numbers_of_the_loop(build, problem, method, mapping):
    learner, tasks = make(method, build(outputs(method))), problem()
    expected = under(learner, LOOP, tasks)
    assert largest(expected[1]) > 1e-3
    for _ in range(2):
        assert difference(under(learner, mapping, tasks), expected) < 1e-9
    assert captures(learner) == (2 if mapping.chunk else 1)  # the last chunk is smaller


@pytest.mark.parametrize("policy", ["support", "running"])
@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_norm_policies_and_running_averages(method, policy):
    learner, tasks = make(method, problems.normed(outputs(method)), policy), problems.batch()
    other = copy.deepcopy(learner)
    for _ in range(3):  # the averages move in between
        expected = under(other, LOOP, tasks)
        assert difference(under(learner, CAPTURED[0], tasks), expected) < 1e-9
    assert captures(learner) == 1
    for name, value in other.state_dict().items():
        torch.testing.assert_close(learner.state_dict()[name], value)


def test_the_meta_parameters_are_inputs():
    learner, tasks = captured(), problems.batch()
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.1)
    for _ in range(3):
        assert agrees(learner, tasks)
        optimiser.step()
    assert captures(learner) == 1


def test_other_tasks_of_the_same_shape_are_inputs():
    learner = captured()
    for seed in range(3):
        assert agrees(learner, problems.batch(seed=seed))
    assert captures(learner) == 1


def test_support_and_query_may_be_the_same_tensors_once_and_not_the_next_time():
    learner, tasks = captured(), problems.batch()
    assert agrees(learner, Task(tasks.support, tasks.support, tasks.index))
    assert agrees(learner, tasks)


def rate(learner, tasks):
    learner.optimiser.rate = 0.05
    return tasks


def steps(learner, tasks):
    learner.steps = 3
    return tasks


def optimiser(learner, tasks):
    learner.optimiser = SGD(0.05)
    return tasks


def evaluation(learner, tasks):
    learner.eval()
    return tasks


def one_layer_in_evaluation(learner, tasks):
    learner.network[1].eval()
    return tasks


def attribute_of_a_layer(learner, tasks):
    learner.network[1].slope = 3.0
    return tasks


def in_a_list(learner, tasks):
    learner.network[1].shifts[0] = 2.0
    return tasks


def another_kind_of_layer(learner, tasks):
    learner.network[1] = nn.Tanh()
    return tasks


def precision(learner, tasks):
    learner.float()
    return tasks.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)


def shape(learner, tasks):
    return problems.batch(sizes=((4, 5),) * 3)


def number_of_tasks(learner, tasks):
    return take(tasks, slice(0, 2))


def padding(learner, tasks):
    return stack(problems.classification(((3, 4), (7, 6), (5, 3))))


def ways(learner, tasks):
    return problems.batch(ways=2)


def frozen(learner, tasks):
    learner.network[2].bias.requires_grad_(False)
    return tasks


class Bent(nn.Module):
    """With settings of several kinds, and another function in evaluation."""

    def __init__(self):
        super().__init__()
        self.slope, self.shifts = 0.5, [0.1]

    def forward(self, x):
        x = torch.where(x > 0, x, self.slope * x) + self.shifts[0]
        return x if self.training else 2 * x


@pytest.mark.parametrize(
    "change",
    [
        rate, steps, optimiser, evaluation, one_layer_in_evaluation, attribute_of_a_layer, in_a_list,
        another_kind_of_layer, precision, shape, number_of_tasks, padding, ways, frozen,
    ],
)  # fmt: skip
def test_it_is_captured_anew_after_a_change(change):
    learner = captured(network=problems.doubled(nn.Sequential(nn.Linear(4, 5), Bent(), nn.Linear(5, 3))))
    learner.test_steps = 1
    tasks = problems.batch()
    assert agrees(learner, tasks)
    tasks = change(learner, tasks)
    under(learner, CAPTURED[0], tasks)
    assert captures(learner) == 2
    found, expected = under(learner, CAPTURED[0], tasks), under(learner, LOOP, tasks)
    assert difference(found, expected) < (1e-9 if change is not precision else 1e-5)


@pytest.mark.parametrize("switch", ["benchmark", "deterministic"])
def test_switches_of_cudnn_are_part_of_the_key(switch, monkeypatch):
    learner, tasks = captured(), problems.batch()
    assert agrees(learner, tasks)
    monkeypatch.setattr(torch.backends.cudnn, switch, not getattr(torch.backends.cudnn, switch))
    assert agrees(learner, tasks)
    assert captures(learner) == 2


def test_precision_is_part_of_the_key():
    learner, tasks, matmul = captured(), problems.batch(), torch.backends.cuda.matmul
    assert agrees(learner, tasks)
    before, matmul.fp32_precision = matmul.fp32_precision, "tf32"
    try:
        assert agrees(learner, tasks)
    finally:
        matmul.fp32_precision = before
    assert captures(learner) == 2


def test_graphs_of_other_mappings_are_forgotten_when_one_is_settled():
    learner, tasks = captured(), problems.batch()
    for mapping in (CAPTURED[0], CAPTURED[2]):
        under(learner, mapping, tasks)
    assert len(learner._workspace.graphs._kept) == 2
    learner.settle_mapping(tasks, CAPTURED[0])
    assert [graph.how[0] for graph in learner._workspace.graphs._kept] == [CAPTURED[0].way]


def test_what_comes_back_is_not_captured_again():
    learner, tasks = captured(), problems.batch()
    for _ in range(3):
        for rate in (0.3, 0.05):
            learner.optimiser.rate = rate
            assert agrees(learner, tasks)
        assert agrees(learner.eval(), tasks)
        assert agrees(learner.train(), tasks)
    assert captures(learner) == 3


def test_frozen_parameters_and_buffers_are_inputs_also_when_they_are_replaced():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.tensor(2.0))
            self.shift = nn.Parameter(torch.tensor(0.1), requires_grad=False)

        def forward(self, x):
            return torch.tanh(self.scale * x + self.shift)

    layer = Scaled()
    learner = captured(network=problems.doubled(nn.Sequential(nn.Linear(4, 5), layer, nn.Linear(5, 3))))
    tasks = problems.batch()
    assert agrees(learner, tasks)
    layer.scale.mul_(0.5)
    assert agrees(learner, tasks)
    layer.scale = torch.tensor(3.0, dtype=torch.float64)
    assert agrees(learner, tasks)
    layer.shift = nn.Parameter(torch.tensor(-0.7, dtype=torch.float64), requires_grad=False)
    assert agrees(learner, tasks)
    assert captures(learner) == 1


def test_a_plain_tensor_as_an_attribute_is_known_by_its_identity():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = torch.tensor(0.5, dtype=torch.float64)

        def forward(self, x):
            return torch.relu(x + self.shift)

    layer = Shifted()
    learner = captured(network=problems.doubled(nn.Sequential(nn.Linear(4, 5), layer, nn.Linear(5, 3))))
    assert agrees(learner, problems.batch())
    layer.shift.fill_(0.25)
    assert agrees(learner, problems.batch())
    layer.shift = torch.tensor(-0.5, dtype=torch.float64)
    assert agrees(learner, problems.batch())
    assert captures(learner) == 2


def test_dropout_draws_anew_and_as_without_a_graph():
    net = problems.doubled(nn.Sequential(nn.Linear(4, 30), nn.Dropout(0.5), nn.Linear(30, 3)))
    learner, tasks = captured(network=net), problems.batch()

    def losses(mapping, seed):
        learner.mapping = mapping
        torch.manual_seed(seed)
        return learner(tasks).losses

    first, second = losses(CAPTURED[0], 1), losses(CAPTURED[0], 2)
    assert not torch.equal(first, second)
    assert torch.equal(first, losses(CAPTURED[0], 1))  # the first call, which captures, is no exception
    torch.testing.assert_close(first, losses(VMAP, 1))


def test_tied_weights():
    net = problems.doubled(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)))
    net[2].weight = net[0].weight
    assert agrees(captured(network=net), problems.batch())


def test_a_network_in_parts_of_which_only_the_head_adapts():
    net = problems.doubled(Backbone(nn.Sequential(nn.Linear(4, 5), nn.Tanh()), nn.Linear(5, 3), 5))
    learner = GradientLearner(net, which="head", optimiser=SGD(0.1), steps=2)
    assert agrees(learner, problems.batch())


def test_without_gradients_it_is_eager():
    learner, tasks = captured(), problems.batch()
    expected = learner(tasks)
    with torch.no_grad():
        found = learner(tasks)
    assert not found.loss.requires_grad
    torch.testing.assert_close(found.losses, expected.losses)
    assert captures(learner) == 1


def test_copies_start_without_graphs():
    learner = methods.maml(problems.perceptron())
    learner.mapping = CAPTURED[0]
    learner(problems.batch())
    for other in (copy.deepcopy(learner), pickle.loads(pickle.dumps(learner))):
        assert captures(other) == 0
        assert agrees(other, problems.batch())


def test_graphs_are_few(monkeypatch):
    monkeypatch.setattr("innerloop.mapping._capture.KEPT", 2)
    learner = captured("fomaml")
    for rows in (2, 3, 4, 5):
        tasks = problems.batch(sizes=((rows, 3),) * 2)
        for _ in range(2):
            learner(tasks)
    assert captures(learner) == 4
    assert len(learner._workspace.graphs._kept) == 2


def test_a_setting_that_changes_at_every_step_ends_the_capturing(caplog, monkeypatch):
    monkeypatch.setattr("innerloop.mapping._capture.WASTED", 3)
    learner, tasks = captured("fomaml"), problems.batch()
    for step in range(6):
        learner.optimiser.rate = 0.1 / (step + 1)
        expected = under(learner, VMAP, tasks)
        assert difference(under(learner, CAPTURED[0], tasks), expected) < 1e-9
    assert captures(learner) == 3
    assert len(warnings(caplog)) == 1
    assert "is best a buffer" in caplog.text


def test_capturing_takes_no_longer_than_it_may(caplog):
    learner, tasks = captured(), problems.batch()
    learner._workspace.graphs.seconds = 0.0
    expected = under(learner, VMAP, tasks)
    assert difference(under(learner, CAPTURED[0], tasks), expected) < 1e-9
    assert "capturing takes longer than" in caplog.text
    assert captures(learner) == 0


def test_many_steps_leave_as_many_tensors_as_two():
    learner, tasks = captured(network=problems.perceptron()), problems.batch()
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.01)

    def alive(steps):
        for _ in range(steps):
            optimiser.zero_grad()
            learner(tasks).loss.backward()
            optimiser.step()
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    assert alive(2) == alive(200)


def test_a_buffer_that_a_step_writes_to_is_written_once_a_step():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls.add_(1)
            return x

    counting = Counting()
    learner = captured("fomaml", problems.doubled(nn.Sequential(nn.Linear(4, 5), counting, nn.Linear(5, 3))))
    counts = []
    for mapping in (LOOP, CAPTURED[2]):
        learner.mapping = mapping
        counting.calls.zero_()
        learner(problems.batch())
        counts.append(counting.calls.item())
    assert counts[0] == counts[1] == 9  # three tasks of two inner steps and a query pass


def test_trees_as_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 3), nn.Linear(2, 3)

        def forward(self, x):
            return self.a(x["a"]) + self.b(x["b"])

    def split(examples):
        return Examples({"a": examples.x[..., :2], "b": examples.x[..., 2:]}, examples.y, examples.mask, examples.ways)

    tasks = problems.batch()
    tasks = Task(split(tasks.support), split(tasks.query), tasks.index)
    assert agrees(captured(network=Two().double()), tasks)
