import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.networks import CosineHead
from innerloop.task import Task, stack, take
from innerloop.transfer import with_cosine_head, without_head


def learner(**settings):
    torch.manual_seed(0)
    return methods.baseline_plus_plus(problems.normed(3), **{"inner_steps": 7, "inner_lr": 0.1, **settings}).double()


def flat_batch():
    query = take(problems.batch(sizes=((12, 12),)), 0).query
    return stack([Task(support=query.map(lambda leaf: leaf[:0]), query=query)])


@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_pretraining_is_classification_by_cosine(kind):
    one, tasks = learner(scale=5.0), flat_batch()
    one.mapping = Mapping.named(kind)
    loss = one(tasks).loss
    loss.backward()
    z = one.network.features.train()(tasks.query.x[0])
    logits = 5 * F.cosine_similarity(z[:, None], one.network.head.weight[None], dim=2)
    expected = F.cross_entropy(logits, tasks.query.y[0])
    torch.testing.assert_close(loss.detach(), expected.detach())
    slope = torch.autograd.grad(expected, one.network.head.weight)[0]
    torch.testing.assert_close(one.network.head.weight.grad, slope)


def by_hand(one, task, steps, rate):
    """Adam of torch on a cosine head that starts from the class means of unit features."""
    with torch.no_grad():
        z = one.network.features.eval()(task.support.x)
    unit = F.normalize(z, dim=1)
    weight = torch.stack([unit[task.support.y == k].mean(0) for k in range(3)]).requires_grad_()
    adam = torch.optim.Adam([weight], lr=rate)
    for _ in range(steps):
        adam.zero_grad()
        F.cross_entropy(10 * unit @ F.normalize(weight, dim=1).T, task.support.y).backward()
        adam.step()
    return weight.detach()


@pytest.mark.parametrize("training", [True, False])
def test_a_task_gets_a_cosine_head_of_its_own(training):
    one, task = learner().train(training), take(problems.batch(), 0)
    before = snapshot(one)
    state = one.adapt(task.support)
    torch.testing.assert_close(state.parameters["head.weight"], by_hand(one, task, 7, 0.1))
    assert set(state.parameters) == {"head.weight"}
    assert all(torch.equal(value, before[name]) for name, value in snapshot(one).items())


def test_the_head_alone_on_a_pretrained_network():
    one, task = learner(), take(problems.batch(), 0)
    head = methods.cosine_head(one.network, inner_steps=7, inner_lr=0.1)
    torch.testing.assert_close(
        head.predict(head.adapt(task.support), task.query.x), one.eval().predict(one.adapt(task.support), task.query.x)
    )
    assert head.family == "transfer"


@pytest.mark.parametrize("ways", [2, 5])
def test_any_number_of_ways(ways):
    task = take(problems.batch(ways=ways, sizes=((10, 10),)), 0)
    one = learner()
    assert one.predict(one.adapt(task.support), task.query.x).shape == (10, ways)


def test_heads_and_their_networks():
    network = problems.perceptron(9)
    cosine = with_cosine_head(network, 4, 2.0)
    assert isinstance(cosine.head, CosineHead)
    assert (cosine.head.weight.shape, cosine.head.scale) == ((4, 5), 2.0)
    assert cosine.features is not network.features
    assert without_head(network).spec["outputs"] is None
    plain = nn.Linear(2, 2)
    copied = without_head(plain)
    assert copied is not plain
    assert torch.equal(copied.weight, plain.weight)


def test_a_classifier_needs_a_linear_head():
    with pytest.raises(ConfigurationError, match=r"classifier with a linear head.* Backbone with head Identity"):
        methods.baseline_plus_plus(problems.perceptron(None))
