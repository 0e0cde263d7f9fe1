import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import difference, difference_from_finite_differences, measure
from innerloop.errors import ConfigurationError
from innerloop.losses import cross_entropy
from innerloop.mapping import Mapping
from innerloop.metric import Relation, relation_error, relation_module
from innerloop.networks import conv4, conv_maps
from innerloop.task import Examples, stack, take

LOOP, VMAP = Mapping(vectorise=False), Mapping(vectorise=True)


def maps(norm=True, activation="relu", **more):
    """A relation network on feature maps of 4 x 4."""
    torch.manual_seed(1)
    network = problems.doubled(conv_maps(3, size=16, downsample="average", norm=norm, activation=activation))
    module = relation_module(network.map_shape, hidden=4, downsample="average", norm=norm, activation=activation)
    return Relation(network, relation=problems.doubled(module), **more)


def blocks(p, prefix, x, starts, halved, norms, act=F.relu):
    for block, start in enumerate(starts):
        x = F.conv2d(x, p[f"{prefix}.{start}.weight"], p[f"{prefix}.{start}.bias"], padding=1)
        if norms:
            x = F.batch_norm(
                x, None, None, p[f"{prefix}.{start + 1}.weight"], p[f"{prefix}.{start + 1}.bias"], training=True
            )
        x = act(x)
        if block < halved:
            x = F.avg_pool2d(x, 2)
    return x


def by_hand(learner, task):
    """Relation scores with batch statistics, by the paper's description; one batch of all pairs."""
    p = dict(learner.named_parameters())
    z, q = (blocks(p, "network.features", x, (0, 4, 8, 11), 2, True) for x in (task.support.x, task.query.x))
    sums = torch.stack([z[task.support.y == k].sum(0) for k in range(3)])
    pairs = torch.stack([torch.cat([total, each]) for each in q for total in sums])
    x = blocks(p, "relation", pairs, (0, 4), 2, True).flatten(1)
    x = F.relu(x @ p["relation.9.weight"].T + p["relation.9.bias"])
    return torch.sigmoid(x @ p["relation.11.weight"].T + p["relation.11.bias"]).view(len(q), 3)


def test_maps_are_compared_as_the_paper_says():
    learner, task = maps(), take(problems.pictures(sizes=((6, 6),)), 0)
    learner.set_norm("batch")
    expected = by_hand(learner, task)
    found = learner.predict(learner.adapt(task.support), task.query.x).exp()
    torch.testing.assert_close(found, expected)
    loss = F.mse_loss(expected, F.one_hot(task.query.y, 3).double())
    slopes = torch.autograd.grad(loss, list(learner.parameters()))
    for mapping in (LOOP, VMAP):
        learner.mapping = mapping
        losses, gradient = measure(learner, stack([task]))
        torch.testing.assert_close(losses[0], loss.detach())
        for ours, theirs in zip(gradient.values(), slopes, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_maps_agree_with_finite_differences():
    learner = maps(norm=True, activation="softplus")
    learner.set_norm("batch")
    assert difference_from_finite_differences(learner, problems.pictures(sizes=((3, 3),)), components=2) < 1e-6


@pytest.mark.parametrize("policy", ["batch", "support", "running"])
def test_maps_of_padded_tasks(policy):
    learner = maps()
    learner.set_norm(policy)
    each = problems.classification(((6, 3), (3, 6)), shape=problems.PICTURE)
    alone = torch.cat([learner(stack([task])).losses for task in each])
    tasks = stack(each)
    tasks.support.x[~tasks.support.mask] = 9.0
    tasks.query.x[~tasks.query.mask] = 9.0
    learner.mapping = VMAP
    torch.testing.assert_close(learner(tasks).losses, alone, rtol=0, atol=1e-9)


def test_class_embeddings_are_sums():
    learner = Relation(nn.Identity(), relation=nn.Linear(2, 1))
    support = Examples(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]), ways=2)
    assert learner.adapt(support).sums.tolist() == [[3.0], [5.0]]
    x = torch.tensor([[1.0]])
    sums = learner.predict(learner.adapt(support), x)
    torch.testing.assert_close(sums, F.logsigmoid(learner.relation(torch.tensor([[3.0, 1.0], [5.0, 1.0]]))).T)


def test_class_embeddings_may_be_means_also_when_examples_are_added():
    learner = Relation(nn.Identity(), relation=nn.Linear(2, 1), classes="mean")
    support = Examples(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]), ways=3)
    expected = F.logsigmoid(learner.relation(torch.tensor([[1.5, 1.0], [5.0, 1.0], [0.0, 1.0]]))).T
    x = torch.tensor([[1.0]])
    torch.testing.assert_close(learner.predict(learner.adapt(support), x), expected)
    first, second = support.map(lambda leaf: leaf[:1]), support.map(lambda leaf: leaf[1:])
    torch.testing.assert_close(learner.predict(learner.adapt(second, learner.adapt(first)), x), expected)
    with pytest.raises(ConfigurationError, match="one of sum, mean; got 'max'"):
        Relation(nn.Identity(), relation=nn.Linear(2, 1), classes="max")


def test_the_class_comes_first_in_a_pair():
    learner = Relation(nn.Identity(), relation=nn.Linear(2, 1))
    with torch.no_grad():
        learner.relation.weight.copy_(torch.tensor([[1.0, 10.0]]))
        learner.relation.bias.zero_()
    support = Examples(torch.tensor([[2.0], [3.0]]), torch.tensor([0, 1]), ways=2)
    found = learner.predict(learner.adapt(support), torch.tensor([[-0.1], [0.1]]))
    torch.testing.assert_close(found, F.logsigmoid(torch.tensor([[1.0, 2.0], [3.0, 4.0]])))


def test_the_default_loss_is_the_squared_error_of_scores_and_cross_entropy_an_option():
    tasks, net = problems.batch(), problems.perceptron(None)
    module = relation_module(5).double()
    squared, crossed = (Relation(net, relation=module, loss=loss) for loss in (None, cross_entropy))
    found = squared(tasks)
    r = found.prediction.exp()
    target = F.one_hot(tasks.query.y, 3).double()
    torch.testing.assert_close(found.losses, (r - target).square().mean((1, 2)))
    share = (r / r.sum(-1, keepdim=True)).gather(-1, tasks.query.y[..., None])[..., 0]
    torch.testing.assert_close(crossed(tasks).losses, -share.log().mean(1))
    assert difference(measure(squared, tasks), measure(crossed, tasks)) > 1e-3
    assert relation_error(torch.zeros(2, 3), Examples(torch.zeros(2), torch.tensor([0, 2]), ways=3)).shape == (2,)


def test_support_statistics_are_those_of_the_first_support_set():
    learner = maps()
    learner.set_norm("support")
    task = take(problems.pictures(sizes=((9, 6),)), 0)
    first, second = (task.support.map(lambda leaf, rows=rows: leaf[rows]) for rows in (slice(6), slice(6, None)))
    state = learner.adapt(first)
    later = learner.adapt(second, state)
    assert set(state.relation_statistics) == {"1", "5"}
    assert later.relation_statistics is state.relation_statistics
    assert later.statistics is state.statistics
    whole = learner.predict(later, task.query.x)
    torch.testing.assert_close(learner.predict(later, task.query.x[:1]), whole[:1])


@pytest.mark.parametrize(
    ("network", "first"),
    [
        (lambda: conv_maps(4, size=28), nn.Conv2d),
        (lambda: conv4(None, 4), nn.Linear),
        (lambda: conv4(None, 4, downsample="pool"), nn.Linear),
    ],
)
def test_the_relation_module_fits_the_embedding(network, first):
    learner = Relation(network())
    assert type(learner.relation[0]) is first
    x = torch.rand(6, 1, 28, 28)
    state = learner.adapt(Examples(x, torch.arange(6) % 3, ways=3))
    assert learner.predict(state, x).shape == (6, 3)
    has_norms = any("Norm" in type(part).__name__ for part in learner.relation)
    assert has_norms == (first is nn.Conv2d)


def test_an_embedding_without_norms_gets_a_relation_module_without():
    learner = Relation(conv_maps(4, norm=False))
    assert learner.norm == "none"


def test_small_maps_are_halved_as_long_as_they_can_be():
    assert relation_module((2, 2, 2))(torch.zeros(3, 4, 2, 2)).shape == (3, 1)
    assert relation_module((2, 1, 1))(torch.zeros(3, 4, 1, 1)).shape == (3, 1)


def test_errors():
    with pytest.raises(ConfigurationError, match=r"Flatten has neither `map_shape` nor `width`.*relation="):
        Relation(nn.Flatten())
