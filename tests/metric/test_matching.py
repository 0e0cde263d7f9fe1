import pytest
import torch
from torch import nn

from helpers import comparing, problems
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.metric import Matching
from innerloop.metric._full_context import Cell, FullContext
from innerloop.task import Examples, stack, take


def full(**more):
    torch.manual_seed(0)
    return Matching(problems.perceptron(None), full_context=True, reads=3, **more)


def test_the_papers_formula_on_a_small_example():
    learner = Matching(nn.Identity(), scale=1.0)
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], dtype=torch.float64)
    support = Examples(x, torch.tensor([0, 1, 1]), ways=2)
    found = learner.predict(learner.adapt(support), torch.tensor([[5.0, 0.0]], dtype=torch.float64)).exp()
    e = torch.e
    expected = torch.tensor([[e, 1 + 1 / e]], dtype=torch.float64) / (e + 1 + 1 / e)
    torch.testing.assert_close(found, expected)


def test_predictions_are_log_probabilities():
    learner, task = Matching(problems.perceptron(None), scale=4.0), take(problems.batch(), 0)
    found = learner.predict(learner.adapt(task.support), task.query.x)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(found.softmax(1), found.exp())


def test_a_large_scale_is_the_nearest_neighbour_without_overflow():
    learner, task = Matching(problems.perceptron(None), scale=1e4).float(), problems.classification(((9, 6),))[0]
    task = task.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    found = learner.predict(learner.adapt(task.support), task.query.x)
    with torch.no_grad():
        near = torch.cosine_similarity(learner.network(task.query.x)[:, None], learner.network(task.support.x), dim=2)
    assert torch.equal(found.argmax(1), task.support.y[near.argmax(1)])
    assert found.isfinite().all()


def test_a_class_without_examples_has_a_millionth():
    learner = Matching(nn.Identity())
    support = Examples(torch.eye(2), torch.tensor([0, 1]), ways=3)
    found = learner.predict(learner.adapt(support), torch.eye(2)).exp()
    torch.testing.assert_close(found[:, 2], torch.full((2,), 1e-6))
    torch.testing.assert_close(found[:, :2].sum(1), torch.ones(2))


def test_the_default_is_without_context_and_with_a_learned_scale():
    net = problems.perceptron(None)
    assert Matching(net).context is None
    assert len(list(Matching(net, scale=1.0).parameters())) == len(list(net.parameters()))
    learned = Matching(net)
    assert [name for name, _ in learned.named_parameters() if not name.startswith("network.")] == ["scale.log"]
    torch.testing.assert_close(learned(problems.batch()).losses, Matching(net, scale=10.0)(problems.batch()).losses)


def test_the_cell_is_an_lstm_cell():
    ours, theirs = Cell(3, 4).double(), nn.LSTMCell(3, 4).double()
    weights = {
        "weight_ih": ours.input.weight, "weight_hh": ours.recurrent.weight, "bias_ih": ours.input.bias,
        "bias_hh": torch.zeros(16, dtype=torch.float64),
    }  # fmt: skip
    x, h, c = (torch.randn(5, n, dtype=torch.float64) for n in (3, 4, 4))
    for found, expected in zip(ours(x, h, c), torch.func.functional_call(theirs, weights, (x, (h, c))), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("reads", [1, 4])
def test_full_context_is_a_bidirectional_lstm_and_reads(reads):
    context = FullContext(4, reads).double()
    z, q = torch.randn(6, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    present = torch.ones(6, dtype=torch.bool)
    g, f = comparing.context(dict(context.named_parameters()), z, q, reads)
    found = context.support(z, present)
    torch.testing.assert_close(found, g)
    torch.testing.assert_close(context(q, found, present), f)


def test_a_query_does_not_depend_on_the_other_queries():
    learner, task = full(), take(problems.batch(), 0)
    state = learner.adapt(task.support)
    whole = learner.predict(state, task.query.x)
    torch.testing.assert_close(learner.predict(state, task.query.x[2:3]), whole[2:3])


def test_added_examples_are_read_in_the_order_in_which_they_came():
    learner, task = full(), problems.classification(((9, 6),))[0]
    first, second = (task.support.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(5), slice(5, None)))
    with torch.no_grad():
        state = learner.adapt(second, learner.adapt(first))
        turned = learner.adapt(first, learner.adapt(second))
        torch.testing.assert_close(state.context, learner.adapt(task.support).context)
    assert (turned.context[4:] - state.context[:5]).abs().max() > 1e-6


def test_without_context_nothing_keeps_vmap_away():
    for learner in (full(), Matching(problems.perceptron(None))):
        assert learner.mapping_for(problems.batch()).vectorise
        learner.mapping = Mapping(vectorise=True)
        learner(problems.batch())
        assert learner._workspace.instead_of(learner.mapping) == learner.mapping  # no fallback


def test_the_width_may_be_named():
    tasks = stack(problems.classification(((6, 6),)))
    learner = Matching(nn.Flatten(), full_context=True, width=4).double()
    assert learner(tasks).prediction.shape == (1, 6, 3)


def test_errors():
    with pytest.raises(ConfigurationError, match=r"Flatten has no `width`\. Name it with width="):
        Matching(nn.Flatten(), full_context=True)
    with pytest.raises(ConfigurationError, match=r"reads= must be at least 1; got 0"):
        Matching(problems.perceptron(None), reads=0)
