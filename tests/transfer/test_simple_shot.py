import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import innerloop
from helpers import problems, training
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, mlp
from innerloop.task import Examples, Task, stack, take
from innerloop.transfer import SimpleShot

MAPPINGS = [Mapping.named(name) for name in ("loop", "vmap", "captured")]


def flat_batch(classes=3, size=12, count=1):
    """Batches of merged classes as a source's flat view gives them: tasks with empty support sets."""
    tasks = problems.batch(sizes=((size, size),) * count, ways=classes)
    queries = [take(tasks, i).query for i in range(count)]
    return stack([Task(support=query.map(lambda leaf: leaf[:0]), query=query) for query in queries])


def blobs():
    return training.blobs().train


def classifier(dropout=0.0):
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(8, 6), innerloop.networks.Norm(6), nn.ReLU(), nn.Dropout(dropout))
    return Backbone(body, nn.Linear(6, blobs().flat().batch(torch.arange(1)).ways), 6)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_training_is_ordinary_classification(mapping):
    net, tasks = problems.normed(3), flat_batch()
    learner = SimpleShot(net, smoothing=0.2)
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


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_the_centre_runs_after_the_features_of_the_batches(mapping):
    net, tasks = problems.normed(3), flat_batch(count=2)
    learner = SimpleShot(net)
    learner.mapping = mapping
    fresh = copy.deepcopy(net).train()
    means = torch.stack([fresh.features(tasks.query.x[i]).mean(0) for i in range(2)]).mean(0).detach()
    learner(tasks)
    torch.testing.assert_close(learner.centre.mean, 0.1 * means)
    torch.testing.assert_close(net.features[1].running_mean, 0.1 * net.features[0](tasks.query.x).mean((0, 1)).detach())
    learner.eval()
    before = learner.centre.mean.clone()
    learner(tasks)
    assert torch.equal(learner.centre.mean, before)


def test_padded_rows_do_not_move_the_centre():
    learner, tasks = SimpleShot(problems.perceptron(3)), flat_batch()
    other = copy.deepcopy(learner)
    learner(tasks)
    query = tasks.query
    padded = Examples(
        torch.cat([query.x, 99 + query.x[:, :2]], 1), torch.cat([query.y, query.y[:, :2]], 1),
        torch.tensor([[True] * 12 + [False] * 2]), 3,
    )  # fmt: skip
    other(Task(tasks.support, padded, tasks.index))
    torch.testing.assert_close(other.centre.mean, learner.centre.mean)


def test_the_centre_of_a_source_is_the_mean_of_its_features():
    learner, flat = SimpleShot(classifier(dropout=0.9)), blobs().flat()
    before = {module: module.training for module in learner.modules()}
    assert learner.centre_on(blobs(), batches=3) is learner
    x = torch.cat([flat.batch(torch.tensor([i])).query.x[0] for i in range(3)])
    expected = copy.deepcopy(learner.network).eval().features(x).mean(0)
    torch.testing.assert_close(learner.centre.mean, expected.detach())
    assert {module: module.training for module in learner.modules()} == before


def test_classes_are_the_nearest_means_of_centred_normalised_features():
    learner = SimpleShot(classifier()).centre_on(blobs(), batches=2).eval()
    task = take(blobs()[0:1], 0)
    with torch.no_grad():
        logits = learner.predict(learner.adapt(task.support), task.query.x)
        z, q = (
            F.normalize(learner.network.features(x) - learner.centre.mean, dim=1)
            for x in (task.support.x, task.query.x)
        )
    means = torch.stack([z[task.support.y == k].mean(0) for k in range(task.ways)])
    torch.testing.assert_close(logits, -5 * torch.cdist(q, means) ** 2)
    plain = methods.pretraining(learner.network).eval()
    assert not torch.allclose(plain.adapt(task.support).sums, learner.adapt(task.support).sums)


def test_without_the_centre_it_would_decide_otherwise():
    # all features far away from the origin in one direction: angles alone say little
    body = nn.Linear(2, 2)
    with torch.no_grad():
        body.weight.copy_(torch.eye(2))
        body.bias.copy_(torch.tensor([100.0, 0.0]))
    learner = SimpleShot(Backbone(body, nn.Linear(2, 2), 2))
    support = Examples(torch.tensor([[1.0, 0.1], [-1.0, 0.1]]), torch.tensor([0, 1]), ways=2)
    query = torch.tensor([[2.0, 0.1], [-2.0, 0.1]])
    learner.centre.mean.copy_(torch.tensor([100.0, 0.0]))
    found = learner.predict(learner.adapt(support), query)
    assert found.argmax(1).tolist() == [0, 1]
    assert (found[0, 0] - found[0, 1]) > 10
    learner.centre.mean.zero_()
    found = learner.predict(learner.adapt(support), query)
    assert (found[0, 0] - found[0, 1]).abs() < 0.01


def test_the_centre_is_saved_with_the_weights_and_with_an_adapted_model(tmp_path):
    torch.manual_seed(0)
    source = training.blobs()
    outputs = source.train.flat().batch(torch.arange(1)).ways
    learner = methods.simple_shot(mlp(8, outputs, [6])).centre_on(source.train, batches=2)
    again = methods.from_spec(learner.spec)
    again.load_state_dict(snapshot(learner))
    assert torch.equal(again.centre.mean, learner.centre.mean)
    assert learner.centre.mean.any()
    task = source.test[0]
    model = learner.adapted(task.support.x, task.support.y)
    model.save(tmp_path / "model")
    loaded = innerloop.load(tmp_path / "model")
    assert torch.equal(loaded.learner.centre.mean, learner.centre.mean)
    assert torch.equal(loaded(task.query.x), model(task.query.x))


def test_fit_trains_it_and_a_resumed_run_has_the_same_centre(tmp_path):
    whole, _ = training.run_fit("simple_shot", tmp_path / "whole")
    training.run_fit("simple_shot", tmp_path / "parts", stop=9)
    parts, _ = training.run_fit("simple_shot", tmp_path / "parts", resume=True)
    assert training.contents(tmp_path / "parts") == training.contents(tmp_path / "whole")
    assert torch.equal(parts.centre.mean, whole.centre.mean)
    assert whole.centre.mean.any()
    found = innerloop.evaluate(whole, training.blobs().test, tasks=20)
    assert found.interval.mean > 1 / 3


def test_adding_examples_is_reading_all_of_them():
    learner = SimpleShot(classifier()).centre_on(blobs(), batches=1).eval()
    support = blobs().with_(shots=4)[0].support
    first, second = (support.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(5), slice(5, None)))
    torch.testing.assert_close(learner.adapt(second, learner.adapt(first)).sums, learner.adapt(support).sums)


def test_errors():
    with pytest.raises(ConfigurationError, match="Linear has no submodule `features`"):
        SimpleShot(nn.Linear(1, 1))
    without = nn.Module()
    without.features = nn.Linear(1, 1)
    with pytest.raises(ConfigurationError, match="Module has no `width`"):
        SimpleShot(without)
    with pytest.raises(ConfigurationError, match=r"batches= must be at least 1; got 0"):
        SimpleShot(classifier()).centre_on(blobs(), batches=0)
    with pytest.raises(ConfigurationError, match=r"on 4 classes needs as many outputs; the network has 3"):
        SimpleShot(problems.perceptron(3))(flat_batch(classes=4))
    with pytest.raises(ConfigurationError, match="no classes to merge"):
        SimpleShot(problems.perceptron(3)).centre_on(innerloop.sources.Sinusoids().train)
