import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from helpers.learners import ALL, make, outputs
from innerloop.errors import DataError
from innerloop.learner import Learner
from innerloop.losses import cross_entropy
from innerloop.mapping import Mapping
from innerloop.sound import demand_sound
from innerloop.task import Examples, Task, is_padded, stack, take
from innerloop.ways import cut_to_ways

MAPPINGS = [Mapping(vectorise=False), Mapping(vectorise=True), Mapping(vectorise=True, chunk=2)]


class Mean(Learner):
    """The smallest learner: predicts the mean support target, moved by a learned amount."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

    def adapt(self, support, state=None):
        weight = support.mask[:, None].to(support.y.dtype)
        return {"mean": (support.y * weight).sum(0) / weight.sum()}

    def predict(self, state, x, mask=None):
        return (state["mean"] + self.shift).expand(x.shape[0], -1)


@pytest.mark.parametrize("mapping", [None, *MAPPINGS], ids=str)
def test_adapt_and_predict_are_all_that_a_learner_needs(mapping):
    learner = Mean()
    learner.mapping = mapping
    each = problems.regression(((5, 7), (3, 4), (6, 2)))
    outcome = learner(stack(each))
    outcome.loss.backward()
    error = [t.support.y.mean() + 1 - t.query.y for t in each]
    torch.testing.assert_close(outcome.losses, torch.stack([e.square().mean() for e in error]))
    torch.testing.assert_close(outcome.loss, outcome.losses.mean())
    torch.testing.assert_close(learner.shift.grad, torch.stack([2 * e.mean() for e in error]).mean())
    assert outcome.prediction.shape == (3, 7, 1)
    assert [len(list(learner.trajectory(each[0].support, 5)))] == [1]


def test_a_step_of_any_optimiser_lowers_the_loss():
    learner = Mean()
    optimiser = torch.optim.SGD(learner.parameters(), 0.1)
    tasks = stack(problems.regression())
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = learner(tasks).loss
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("norm", ["batch", "support", "running"])
@pytest.mark.parametrize("method", ALL)
def test_evaluation_leaves_the_learner_as_it_was(method, norm, mapping):
    learner = make(method, problems.normed(outputs(method)), norm).eval()
    learner.mapping = mapping
    before, tasks = snapshot(learner), stack(problems.classification(((6, 6), (4, 5), (6, 3))))
    with torch.no_grad():
        learner(tasks)
    learner.map(lambda task: learner.predict(learner.adapt(task.support), task.query.x, task.query.mask), tasks)
    learner.map(
        lambda task: torch.stack(
            [learner.predict(state, task.query.x) for state in learner.trajectory(task.support, 3)]
        ),
        tasks,
    )
    assert learner.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert not any(module.training for module in learner.modules())
    assert all(p.requires_grad and p.grad is None and p.is_leaf for p in learner.parameters())
    assert learner._padded is None


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_map_gives_the_predictions_of_forward(mapping):
    learner = make("maml", problems.normed()).eval()
    learner.mapping = mapping
    tasks = stack(problems.classification(((6, 6), (4, 5), (6, 3))))
    found = learner.map(lambda task: learner.predict(learner.adapt(task.support), task.query.x, task.query.mask), tasks)
    torch.testing.assert_close(found, learner(tasks).prediction)
    assert not found.requires_grad


def test_a_failure_leaves_the_learner_usable():
    learner = make("maml", problems.normed())
    expected = learner(problems.batch()).loss.item()
    padded = stack(problems.classification(((6, 6), (4, 5))))
    learner.loss = lambda prediction, examples: 1 / 0
    for call in (lambda: learner(padded), lambda: learner.map(lambda task: 1 / 0, padded)):
        with pytest.raises(ZeroDivisionError):
            call()
    learner.loss = None
    assert learner._padded is None
    assert learner.network.features[1].call is None
    assert learner(problems.batch()).loss.item() == expected


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ["maml", "anil", "reptile"])
def test_with_fewer_ways_than_outputs_the_logits_are_cut(method, mapping):
    net = problems.perceptron(5)
    learner = make(method, net)
    learner.mapping = mapping
    outcome = learner(problems.batch(ways=3))
    assert outcome.prediction.shape == (3, 6, 3)
    small = problems.perceptron(3)
    state = snapshot(net)
    small.load_state_dict(state | {name: state[name][:3] for name in ("head.weight", "head.bias")})
    torch.testing.assert_close(make(method, small)(problems.batch(ways=3)).losses, outcome.losses)
    outcome.loss.backward()
    assert not net.head.weight.grad[3:].any()


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_with_more_ways_than_outputs_there_is_a_way_out(mapping):
    learner = make("maml", problems.perceptron(2))
    learner.mapping = mapping
    with pytest.raises(DataError, match=r"(?s)3-way task needs 3 logits; the network has 2.*prototypes"):
        learner(problems.batch(ways=3))


def test_only_logits_are_cut():
    assert cut_to_ways(torch.zeros(2, 5), None).shape == (2, 5)
    tree = {"mean": torch.zeros(2, 1)}
    assert cut_to_ways(tree, 3) is tree


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("part", ["support", "query"])
@pytest.mark.parametrize("leaf", ["x", "y"])
def test_values_that_are_not_finite_are_refused_by_task(value, part, leaf):
    tasks = stack(problems.regression())
    getattr(getattr(tasks, part), leaf)[1, 0] = value
    with pytest.raises(DataError, match=f"The {part} set of task 1 holds NaN or infinity"):
        make("maml", problems.perceptron(1))(tasks)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("part", ["support", "query"])
@pytest.mark.parametrize("method", ALL)
def test_labels_outside_the_ways_are_refused(part, label, method):
    tasks = problems.batch()
    getattr(tasks, part).y[2, 1] = label
    with pytest.raises(DataError, match=f"The {part} set has the label {label}; 3-way tasks have labels\\s+0..2"):
        make(method, problems.perceptron(outputs(method)))(tasks)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_float_labels_and_cross_entropy_do_not_go_together(mapping):
    learner = make("maml", problems.perceptron(1), loss=cross_entropy)
    learner.mapping = mapping
    with pytest.raises(DataError, match="whole-number labels"):
        learner(stack(problems.regression()))


def test_refused_tasks_change_nothing():
    learner = make("maml", problems.normed(), "running")
    before, tasks = snapshot(learner), problems.batch()
    tasks.query.x[0, 0] = float("nan")
    with pytest.raises(DataError):
        learner(tasks)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(p.grad is None for p in learner.parameters())


def test_padding_is_looked_for_in_both_sets():
    assert not is_padded(problems.batch())
    assert is_padded(stack(problems.classification(((6, 6), (5, 6)))))
    assert is_padded(stack(problems.classification(((6, 6), (6, 5)))))


@pytest.mark.parametrize("method", ALL)
def test_one_task_may_be_adapted_to_without_a_batch(method):
    """Outside `forward` the mask is looked into: padded rows do not count there either."""
    learner = make(method, problems.normed(outputs(method)))
    short, long = problems.classification(((4, 6), (9, 6)))
    padded = take(stack([short, long]), 0)
    with torch.no_grad():
        a = learner.predict(learner.adapt(short.support), short.query.x)
        b = learner.predict(learner.adapt(padded.support), padded.query.x, padded.query.mask)
    torch.testing.assert_close(a, b)


def test_predictions_may_be_trees():
    class Gaussian(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            return {"mean": out[:, :1], "log_variance": out[:, 1:]}

    def likelihood(prediction, examples):
        spread = prediction["log_variance"]
        return (((prediction["mean"] - examples.y) ** 2 / spread.exp() + spread) / 2).squeeze(1)

    tasks = stack([Task(Examples(t.support.x, t.support.y), t.query) for t in problems.regression()])
    learner = make("maml", Gaussian(4, 2).double(), loss=likelihood)
    expected = None
    for mapping in MAPPINGS:
        learner.mapping = mapping
        outcome = learner(tasks)
        assert outcome.prediction["mean"].shape == (3, 7, 1)
        expected = outcome.losses if expected is None else expected
        torch.testing.assert_close(outcome.losses, expected)


def test_large_numbers_whose_sum_overflows_are_not_infinite():
    batch = problems.batch()
    large = batch.map(lambda leaf: torch.full_like(leaf, 1e308) if leaf.is_floating_point() else leaf)
    demand_sound(large)
    with pytest.raises(DataError, match="holds NaN or infinity"):
        demand_sound(large.map(lambda leaf: leaf * 10 if leaf.is_floating_point() else leaf))
