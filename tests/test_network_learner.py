"""A class of a few lines on a network with norms follows every policy, as those of the library do."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from helpers import comparing, problems
from helpers.checks import difference, measure
from innerloop import NetworkLearner, methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.metric import Prototypes
from innerloop.networks import Norm, Statistics
from innerloop.task import Examples, stack

POLICIES = ("batch", "support", "running")
UNEVEN = ((6, 6), (4, 5), (6, 3))


class Means(NamedTuple):
    centres: Tensor
    statistics: Statistics
    ways: int


class Nearest(NetworkLearner):
    """Prototypes, as somebody would write them."""

    state_type = Means

    def adapt(self, support, state=None):
        call = self.support_call(support, state)
        z = self.embed(support.x, call)
        member = (support.y[:, None] == torch.arange(support.ways)) & support.mask[:, None]
        z, member = torch.where(support.mask[:, None], z, 0), member.to(z.dtype)
        return Means(member.T @ z / member.sum(0)[:, None], call.kept, support.ways)

    def predict_under(self, state, x, call):
        return -(self.embed(x, call)[:, None] - state.centres).square().sum(-1)


@pytest.mark.parametrize("sizes", [UNEVEN, ((6, 6),) * 3], ids=["padded", "even"])
@pytest.mark.parametrize("kind", ["loop", "vmap"])
@pytest.mark.parametrize("policy", POLICIES)
def test_it_trains_as_the_librarys_own_does(policy, kind, sizes):
    tasks = stack(problems.classification(sizes))
    found = []
    for kind_of in (Nearest, Prototypes):
        torch.manual_seed(0)
        learner = kind_of(problems.normed(None), norm=policy)
        learner.mapping = Mapping.named(kind)
        found.append((measure(learner, tasks), learner.network.features[1].running_mean, learner.eval()(tasks).losses))
    assert difference(found[0][0], found[1][0]) < 1e-9
    torch.testing.assert_close(found[0][1:], found[1][1:])
    assert bool(found[0][1].any()) == (policy == "running")


def test_without_norm_layers_there_is_no_policy():
    learner = Nearest(problems.perceptron(None), norm="support")
    assert learner.norm == "none"
    learner.set_norm("running")
    assert learner.norm == "none"


def test_the_networks_outputs_are_the_prediction_if_nothing_else_is_said():
    class Nothing(NamedTuple):
        statistics: Statistics

    class Outputs(NetworkLearner):
        def adapt(self, support, state=None):
            return Nothing({})

    task, network = problems.regression()[0], problems.normed(1)
    learner = Outputs(network)
    loss = learner(stack([task])).loss
    loss.backward()
    assert network.features[1].running_mean.any()
    assert all(p.grad is not None for p in learner.parameters())
    torch.testing.assert_close(learner.eval().predict(learner.adapt(task.support), task.query.x), network(task.query.x))


def test_a_policy_that_the_network_cannot_follow():
    for policy, said in (("none", "norm='none' says that nothing normalises"), ("mean", "norm= is one of batch")):
        with pytest.raises(ConfigurationError, match=said):
            Nearest(problems.normed(None), norm=policy)
        learner = Nearest(problems.normed(None))
        with pytest.raises(ConfigurationError, match=said):
            learner.set_norm(policy)
        assert learner.norm == "running"
    per_step = methods.maml_plus_plus(problems.normed(3), inner_steps=2)
    with pytest.raises(ConfigurationError, match="keep no running averages"):
        per_step.set_norm("running")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", ["pretraining", "simple_shot", "joint", "linear_probe"])
def test_learners_on_trained_features_follow_a_policy_too(name, policy):
    """What is trained with running averages is evaluated under the policy that is asked for, and reports."""
    torch.manual_seed(0)
    learner = getattr(methods, name)(problems.normed(3)).eval()
    for norm in (module for module in learner.modules() if isinstance(module, Norm)):
        norm.absorb(torch.randn(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64))
    learner.set_norm(policy)
    short, long = problems.classification(((6, 6), (9, 8)))
    state = learner.adapt(long.support)
    among, alone = learner.predict(state, long.query.x)[:2], learner.predict(state, long.query.x[:2])
    assert torch.allclose(among, alone) == (policy != "batch")
    moved = learner.predict(state, long.query.x + 3.0)
    assert torch.allclose(learner.predict(state, long.query.x), moved) == (policy == "batch")
    with torch.no_grad():
        both = learner.map(
            lambda task: learner.predict(learner.adapt(task.support), task.query.x, task.query.mask),
            stack([short, long]),
        )
    torch.testing.assert_close(both[0, :6], learner.predict(learner.adapt(short.support), short.query.x))


GOING_ON = {
    **{name: lambda name=name: comparing.LEARNERS[name](problems.perceptron(None)) for name in comparing.LEARNERS},
    "constant": methods.constant,
    "shrunk ridge": lambda: methods.shrunk_ridge(inputs=4, outputs=3),
    "maml": lambda: methods.maml(problems.perceptron(3), inner_lr=0.1),
    "cnp": lambda: methods.cnp(problems.perceptron(None), ways=3, width=4).double(),
    "mann": lambda: methods.mann(problems.perceptron(None), ways=3, slots=8, width=4, reads=2, hidden=4).double(),
}


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("name", GOING_ON)
def test_going_on_with_another_number_of_ways_is_refused(name, ways):
    learner = GOING_ON[name]()
    task = problems.classification()[0]
    state = learner.adapt(task.support)
    fewer = Examples(task.support.x[:1], torch.zeros(1, dtype=torch.int64), ways=ways)
    with pytest.raises(DataError, match=f"of a task with 3 classes; the support set has {ways} classes"):
        learner.adapt(fewer, state)
    more = learner.adapt(Examples(fewer.x, fewer.y, ways=3), state)
    assert learner.predict(more, task.query.x).shape == (6, 3)


def test_a_linear_probe_may_be_shown_more_classes_but_not_fewer():
    learner, task = methods.linear_probe(problems.perceptron(3)), problems.classification()[0]
    state = learner.adapt(task.support)
    assert learner.adapt(Examples(task.support.x[:1], torch.tensor([4]), ways=5), state).ways == 5
    with pytest.raises(DataError, match="has 3 classes; got a support set that names 2"):
        learner.adapt(Examples(task.support.x[:1], torch.tensor([0]), ways=2), state)


def test_a_part_beside_the_network_is_no_obstacle():
    class Scaled(Nearest):
        def __init__(self, network):
            super().__init__(network)
            self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

        def predict_under(self, state, x, call):
            return self.scale * super().predict_under(state, x, call)

    learner = Scaled(problems.normed(None))
    learner(problems.batch()).loss.backward()
    assert learner.scale.grad.abs() > 0
