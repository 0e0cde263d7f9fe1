import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.networks import conv4, mlp
from innerloop.transfer import start_from


def pretrained():
    learner = methods.pretraining(problems.normed(9))
    learner.network.features[1].running_mean += 1.5
    return learner


@pytest.mark.parametrize(
    "make",
    [
        lambda: methods.maml(problems.normed(3)),
        lambda: methods.anil(problems.normed(3)),
        lambda: methods.prototypes(problems.normed(None)),
        lambda: methods.meta_baseline(problems.normed(None)),
        lambda: methods.unicorn_maml(problems.normed(3)),
        lambda: methods.proto_maml(problems.normed(3)),
    ],
)
def test_the_features_are_taken_and_the_head_is_left(make):
    learner, given = make(), pretrained()
    before = snapshot(learner)
    start_from(learner, given)
    for name, value in learner.network.features.state_dict().items():
        assert torch.equal(value, given.network.features.state_dict()[name])
    for name, value in learner.state_dict().items():
        assert torch.equal(value, before[name]) or name.startswith("network.features.")
    given.network.features[0].weight.data.zero_()
    assert learner.network.features[0].weight.any()  # a copy


def test_a_network_serves_as_well_as_a_learner():
    network, learner = mlp(4, 9), methods.maml(mlp(4, 3))
    start_from(learner, network)
    assert torch.equal(learner.network.features[1].weight, network.features[1].weight)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (mlp(4, 9, [7, 40]), r"'1.weight' has shape \(7, 4\) in runs/a and \(40, 4\) in MAML"),
        (mlp(4, 9, [40]), r"runs/a has no '3.weight'"),
        (mlp(4, 9, [40, 40, 40]), r"MAML has no '5.weight'"),
        (conv4(5), "has no '1.weight'|has shape"),
        (nn.Linear(4, 9), "runs/a has no features to start from: its network, a Linear"),
        (methods.prototypes(nn.Identity()), "runs/a has no features to start from: its network, a Identity"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(given, said):
    learner = methods.maml(mlp(4, 3))
    before = snapshot(learner)
    with pytest.raises(ConfigurationError, match=said):
        start_from(learner, given, source="runs/a")
    assert all(torch.equal(value, before[name]) for name, value in snapshot(learner).items())


def test_a_learner_without_features_says_so():
    with pytest.raises(ConfigurationError, match="Trivial predictor has no features to start from"):
        start_from(methods.constant(), mlp(4, 9))
