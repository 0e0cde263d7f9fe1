import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import measure
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.gradient import FirstOrder, GradientLearner, Reptile
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, CosineHead
from innerloop.task import Examples, stack, take

RATE, STEPS = 0.3, 3


def own_loss(prediction, examples):
    """One against the rest: not blind to a number that is added to all logits."""
    hot = (examples.y[:, None] == torch.arange(prediction.shape[-1])).to(prediction.dtype)
    return F.binary_cross_entropy_with_logits(prediction, hot, reduction="none").sum(-1)


def cross_entropy(prediction, examples):
    return F.cross_entropy(prediction, examples.y, reduction="none")


def unicorn(first_order=False, loss=None):
    torch.manual_seed(0)
    return methods.unicorn_maml(
        problems.perceptron(None), inner_steps=STEPS, inner_lr=RATE, first_order=first_order, loss=loss
    ).double()


def by_hand(learner, task, first_order, loss):
    """The query loss and its gradient, with a head made of copies of one vector and plain autograd."""
    theta = {name: p.detach().clone().requires_grad_() for name, p in learner.network.named_parameters()}

    def forward(p, x):
        x = F.relu(F.linear(x, p["features.1.weight"], p["features.1.bias"]))
        x = F.relu(F.linear(x, p["features.3.weight"], p["features.3.bias"]))
        return F.linear(x, p["head.weight"], p["head.bias"])

    ways = task.ways
    phi = theta | {
        "head.weight": torch.cat([theta["head.weight"]] * ways),
        "head.bias": torch.zeros(ways, dtype=torch.float64).requires_grad_(),
    }
    for _ in range(STEPS):
        inner = loss(forward(phi, task.support.x), task.support).mean()
        slopes = torch.autograd.grad(inner, list(phi.values()), create_graph=not first_order, retain_graph=True)
        phi = {name: p - RATE * g for (name, p), g in zip(phi.items(), slopes, strict=True)}
    outer = loss(forward(phi, task.query.x), task.query).mean()
    trained = [name for name in theta if name != "head.bias"]
    return outer.detach(), dict(
        zip(trained, torch.autograd.grad(outer, [theta[name] for name in trained]), strict=True)
    )


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_the_meta_gradient_of_a_shared_vector(first_order, kind):
    learner, tasks = unicorn(first_order, own_loss), problems.batch()
    learner.mapping = Mapping.named(kind)
    losses, gradient = measure(learner, tasks)
    expected = [by_hand(learner, take(tasks, i), first_order, own_loss) for i in range(3)]
    torch.testing.assert_close(losses, torch.stack([loss for loss, _ in expected]))
    for name, slope in gradient.items():
        torch.testing.assert_close(slope, sum(g[name] for _, g in expected) / 3)
    assert gradient["head.weight"].abs().max() > 1e-3


def test_under_cross_entropy_the_vector_cancels_out():
    learner, tasks = unicorn(), problems.batch()
    assert not learner.network.head.weight.any()
    losses, gradient = measure(learner, tasks)
    assert "head.weight" not in gradient
    learner.network.head.weight.normal_()  # what a vector of its own would give
    expected = [by_hand(learner, take(tasks, i), False, cross_entropy) for i in range(3)]
    torch.testing.assert_close(losses, torch.stack([loss for loss, _ in expected]))
    for name, slope in gradient.items():
        torch.testing.assert_close(slope, sum(g[name] for _, g in expected) / 3)
    assert all(g["head.weight"].abs().max() < 1e-12 for _, g in expected)


def test_the_order_of_the_classes_makes_no_difference():
    learner, task = unicorn().eval(), take(problems.batch(), 0)
    other = torch.tensor([2, 0, 1])
    relabelled = Examples(task.support.x, other[task.support.y], ways=3)
    logits = learner.predict(learner.adapt(task.support), task.query.x)
    again = learner.predict(learner.adapt(relabelled), task.query.x)
    torch.testing.assert_close(again[:, other], logits)
    ordinary = methods.maml(problems.perceptron(3), inner_steps=STEPS, inner_lr=RATE).eval()
    logits = ordinary.predict(ordinary.adapt(task.support), task.query.x)
    again = ordinary.predict(ordinary.adapt(relabelled), task.query.x)
    assert not torch.allclose(again[:, other], logits)


@pytest.mark.parametrize("ways", [2, 3, 5])
def test_any_number_of_ways(ways):
    tasks = problems.batch(ways=ways, sizes=((10, 10), (10, 10)))
    assert unicorn()(tasks).prediction.shape == (2, 10, ways)


def cosine_learner(**more):
    torch.manual_seed(0)
    body = problems.perceptron(None).features
    network = Backbone(body, CosineHead(5, 1, scale=4.0).double().requires_grad_(False), 5)
    return GradientLearner(network, start="prototypes", outer_gradient=FirstOrder(), **more)


def test_a_cosine_head_starts_from_the_means_of_unit_features():
    learner, task = cosine_learner(which="head"), take(problems.batch(), 0)
    z, q = (F.normalize(learner.network.features(part.x), dim=1) for part in (task.support, task.query))
    means = torch.stack([z[task.support.y == k].mean(0) for k in range(3)])
    state = next(iter(learner.trajectory(task.support, 1)))
    torch.testing.assert_close(state.parameters["head.weight"], means)
    torch.testing.assert_close(learner.predict(state, task.query.x), 4 * q @ F.normalize(means, dim=1).T)


def test_the_head_alone_may_adapt_from_prototypes():
    learner, task = cosine_learner(which="head", steps=2), take(problems.batch(), 0)
    assert learner.adapted_names == ["head.weight"]
    assert set(learner.adapt(task.support).parameters) == {"head.weight"}
    learner(stack(problems.classification())).loss.backward()
    assert learner.network.features[1].weight.grad.abs().max() > 0


def test_starts_that_cannot_be():
    for start in ("prototypes", "shared"):
        with pytest.raises(ConfigurationError, match=f"start='{start}' needs .* with head Identity"):
            GradientLearner(problems.perceptron(None), start=start)
    with pytest.raises(ConfigurationError, match=r"one output, the vector of every class, .* got 3 outputs"):
        GradientLearner(problems.perceptron(3), start="shared")
    with pytest.raises(ConfigurationError, match=r"with head CosineHead\. Use innerloop.methods.unicorn_maml"):
        GradientLearner(Backbone(nn.Flatten(), CosineHead(4, 1), 4), start="shared")
    with pytest.raises(ConfigurationError, match="Freeze them"):
        GradientLearner(Backbone(nn.Flatten(), CosineHead(4, 1), 4), start="prototypes")
    network = unicorn().network
    with pytest.raises(ConfigurationError, match="start='shared' does not"):
        GradientLearner(network, start="shared", outer_gradient=Reptile())
    with pytest.raises(DataError, match="A head of equal vectors needs classes"):
        unicorn()(stack(problems.regression()))
