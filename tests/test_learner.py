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
from innerloop.task import Examples, Task, is_padded, stack, take

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
def test_float_labels_and_cross_entropy_do_not_go_together(mapping):
    learner = make("maml", problems.perceptron(1), loss=cross_entropy)
    learner.mapping = mapping
    with pytest.raises(DataError, match="whole-number labels"):
        learner(stack(problems.regression()))


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
