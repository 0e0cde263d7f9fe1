import pytest
import torch
import torch.nn.functional as F

from helpers import problems
from helpers.checks import difference, difference_from_finite_differences, measure
from innerloop.mapping import Mapping
from innerloop.metric import MetaBaseline, Prototypes
from innerloop.task import take


def test_logits_are_cosines_times_the_scale():
    net, task = problems.perceptron(None), take(problems.batch(), 0)
    learner = MetaBaseline(net, scale=3.0).double()
    z, q = net(task.support.x), net(task.query.x)
    means = torch.stack([z[task.support.y == k].mean(0) for k in range(3)])
    expected = 3 * F.cosine_similarity(q[:, None], means[None], dim=2)
    torch.testing.assert_close(learner.predict(learner.adapt(task.support), task.query.x), expected)


def test_where_the_scale_starts_it_is_prototypes_by_cosine():
    net, tasks = problems.normed(None), problems.batch()
    learner, fixed = MetaBaseline(net).double(), Prototypes(net, distance="cosine")
    torch.testing.assert_close(learner(tasks).losses, fixed(tasks).losses)


@pytest.mark.parametrize("vectorise", [False, True])
def test_the_scale_has_a_meta_gradient(vectorise):
    learner = MetaBaseline(problems.perceptron(None, "softplus"), scale=2.0).double()
    learner.mapping = Mapping(vectorise=vectorise)
    tasks = problems.batch()
    assert measure(learner, tasks)[1]["scale"].abs() > 1e-4
    assert difference_from_finite_differences(learner, tasks) < 1e-7


def test_all_mappings_agree():
    learner, found = MetaBaseline(problems.normed(None)).double(), []
    for kind in ("loop", "vmap", "captured"):
        learner.mapping = Mapping.named(kind)
        found.append(measure(learner, problems.batch()))
    assert difference(found[0], found[1]) < 1e-10
    assert difference(found[0], found[2]) < 1e-10
