import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.metric import Prototypes
from innerloop.task import Examples, stack, take


def halves(examples):
    return [examples.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(0, 4), slice(4, None))]


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize(("norm", "training"), [("batch", True), ("running", False)])
def test_adding_examples_is_reading_all_of_them(distance, norm, training):
    network = problems.normed(None) if norm == "running" else problems.perceptron(None)
    learner = Prototypes(network, distance=distance, norm=norm).train(training)
    support = problems.classification(((9, 6),))[0].support
    whole = learner.adapt(support)
    first, second = halves(support)
    state = learner.adapt(second, learner.adapt(first))
    torch.testing.assert_close(state.sums, whole.sums)
    torch.testing.assert_close(state.counts, whole.counts)


def test_added_examples_are_normalised_like_the_first():
    learner = Prototypes(problems.normed(None), norm="support")
    first, second = halves(problems.classification(((9, 6),))[0].support)
    state = learner.adapt(first)
    later = learner.adapt(second, state)
    assert later.statistics is state.statistics
    linear, norm, _ = learner.network.features
    mean, variance = state.statistics["features.1"]
    z = F.relu((linear(second.x) - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias)
    torch.testing.assert_close(later.sums - state.sums, F.one_hot(second.y, 3).double().T @ z)


def test_logits_are_the_negative_squared_distances_to_the_class_means():
    learner = Prototypes(nn.Identity())
    support = Examples(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 0, 1]), ways=2)
    logits = learner.predict(learner.adapt(support), torch.tensor([[1.0, 1.0]]))
    assert logits.tolist() == [[-1.0, -5.0]]


def test_cosine_logits_do_not_depend_on_lengths():
    learner = Prototypes(nn.Identity(), distance="cosine")
    support = Examples(torch.tensor([[1.0, 0.0], [0.0, 5.0]]), torch.tensor([0, 1]), ways=2)
    state = learner.adapt(support)
    assert learner.predict(state, torch.tensor([[3.0, 0.0]])).tolist() == [[10.0, 0.0]]
    torch.testing.assert_close(
        learner.predict(state, torch.tensor([[0.3, 0.4]])),
        learner.predict(state, torch.tensor([[30.0, 40.0]])),
    )


@pytest.mark.parametrize(("distance", "start"), [("euclidean", 1.0), ("cosine", 10.0)])
def test_a_learned_scale_starts_where_the_fixed_one_is_and_then_moves(distance, start):
    tasks, net = problems.batch(), problems.perceptron(None)
    fixed = Prototypes(net, distance=distance)
    learned = Prototypes(net, distance=distance, scale="learned")
    assert [name for name, _ in learned.named_parameters() if not name.startswith("network.")] == ["scale.log"]
    assert len(list(fixed.parameters())) == len(list(net.parameters()))
    torch.testing.assert_close(learned(tasks).prediction, fixed(tasks).prediction)
    learned(tasks).loss.backward()
    assert learned.scale.log.grad.abs() > 1e-3
    with torch.no_grad():
        learned.scale.log.add_(torch.tensor(0.5).log())
    half = Prototypes(net, distance=distance, scale=start / 2)
    torch.testing.assert_close(learned(tasks).prediction, half(tasks).prediction)


def test_a_scale_changes_no_decision():
    task, net = take(problems.batch(), 0), problems.perceptron(None)
    one, other = (Prototypes(net, scale=scale) for scale in (0.1, 7.0))
    first, second = (learner.predict(learner.adapt(task.support), task.query.x) for learner in (one, other))
    assert torch.equal(first.argmax(1), second.argmax(1))
    torch.testing.assert_close(70 * first, second)


@pytest.mark.parametrize("ways", [2, 3, 7])
def test_any_number_of_ways(ways):
    learner = Prototypes(problems.perceptron(None))
    tasks = stack(problems.classification(((14, 14),), ways=ways))
    assert learner(tasks).prediction.shape == (1, 14, ways)


@pytest.mark.parametrize("mapping", [Mapping(vectorise=False), Mapping(vectorise=True)], ids=str)
def test_a_class_without_examples_spoils_nothing(mapping):
    learner = Prototypes(problems.perceptron(None))
    learner.mapping = mapping
    tasks = problems.batch()
    tasks.support.y[tasks.support.y == 2] = 1
    outcome = learner(tasks)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(p.grad.isfinite().all() for p in learner.parameters())


def test_outputs_of_any_shape_are_flattened():
    learner = Prototypes(nn.Conv2d(1, 2, 3).double())
    task = take(problems.pictures(), 0)
    assert learner.adapt(task.support).sums.shape == (3, 2 * 14 * 14)


def test_the_outer_loss_may_be_ones_own():
    tasks, net = problems.batch(), problems.perceptron(None)
    own = Prototypes(net, loss=lambda p, e: 3 * F.cross_entropy(p, e.y, reduction="none"))
    torch.testing.assert_close(own(tasks).losses, 3 * Prototypes(net)(tasks).losses)


def test_errors():
    with pytest.raises(DataError, match="Prototypes need classes"):
        Prototypes(problems.perceptron(None))(stack(problems.regression()))
    with pytest.raises(ConfigurationError, match="one of euclidean, cosine; got 'manhattan'"):
        Prototypes(nn.Identity(), distance="manhattan")
    for scale in (0.0, -1.0, float("inf"), "big"):
        with pytest.raises(ConfigurationError, match='a positive number or "learned"; got'):
            Prototypes(nn.Identity(), scale=scale)
