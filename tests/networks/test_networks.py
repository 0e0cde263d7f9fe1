import inspect
import json
from functools import partial

import pytest
import torch
from torch import nn

from helpers import problems
from innerloop import methods, networks
from innerloop.catalogue import NETWORKS as CATALOGUE
from innerloop.errors import ConfigurationError
from innerloop.evaluation import evaluate
from innerloop.networks import Norm, bias_mlp, build, conv4, conv_maps, mlp, resnet12
from innerloop.sources import Sinusoids

NETWORKS = [
    (mlp(4, 3), (4,)),
    (mlp(6, None, [7]), (2, 3)),
    (mlp(4, 3, [], activation="softplus"), (4,)),
    (bias_mlp(4, 3), (4,)),
    (bias_mlp(4, 3, [6], 2), (4,)),
    (conv4(), (1, 28, 28)),
    (conv4(4, 5, channels=3, size=20, downsample="pool"), (3, 20, 20)),
    (conv4(None, 5, size=33, downsample="stride", norm=False), (1, 33, 33)),
    (conv4(2, 5, size=16, downsample="average", activation="softplus"), (1, 16, 16)),
    (resnet12(4, 2, channels=1, size=16), (1, 16, 16)),
    (resnet12(None, 4, size=33, drop=0.2, block=3), (3, 33, 33)),
]


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_shapes_of_features_and_outputs(network, shape):
    x = torch.randn(3, *shape)
    assert network.features(x).shape == (3, network.width)
    assert network(x).shape == (3, network.spec["outputs"] or network.width)


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_a_spec_in_json_makes_the_same_architecture(network, shape):
    again = build(json.loads(json.dumps(network.spec)))
    assert again.spec == network.spec
    again.load_state_dict(network.state_dict())
    x = torch.randn(3, *shape)
    assert torch.equal(again.eval()(x), network.eval()(x))


def test_the_catalogue_has_every_network_and_says_which_have_norms():
    public = {name: getattr(networks, name) for name in networks.__all__}
    makers = {
        name: make
        for name, make in public.items()
        if inspect.isfunction(make) and inspect.signature(make).return_annotation == "Backbone"
    }
    assert makers.keys() == CATALOGUE.keys()
    sizes = {"mlp": partial(mlp, 4, 3), "bias_mlp": partial(bias_mlp, 4, 3), "gru": partial(networks.gru, 2, 3)}
    sizes["transformer"] = partial(networks.transformer, 2, 3, width=8)
    for name, known in CATALOGUE.items():
        made = sizes.get(name, makers[name])()
        assert made.spec["network"] == name
        assert any(isinstance(part, Norm) for part in made.modules()) == known.normed


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (64, 7, 7)),
        ({"filters": 5, "channels": 3, "size": 84}, (5, 21, 21)),
        ({"filters": 5, "size": 33, "downsample": "stride", "norm": False}, (5, 9, 9)),
        ({"filters": 5, "size": 16, "downsample": "average", "activation": "softplus"}, (5, 4, 4)),
    ],
)
def test_conv_maps_keeps_maps_that_two_blocks_have_halved(settings, shape):
    network = conv_maps(**settings)
    x = torch.randn(2, settings.get("channels", 1), settings.get("size", 28), settings.get("size", 28))
    assert network(x).shape == (2, *shape)
    assert network.map_shape == shape
    assert network.width == torch.Size(shape).numel()
    again = build(json.loads(json.dumps(network.spec)))
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval()(x), network.eval()(x))
    assert again.map_shape == shape
    assert sum(isinstance(part, nn.Conv2d) for part in network.modules()) == 4


def test_conv4_is_the_papers():
    convolutions, norms, head = 9 * 64 + 64 + 3 * (64 * 64 * 9 + 64), 4 * 2 * 64, 64 * 5 + 5
    assert sum(p.numel() for p in conv4(5).parameters()) == convolutions + norms + head
    assert conv4(5, 32, channels=3, size=84, downsample="pool").width == 800  # miniImageNet
    assert conv4(None, 64, size=28, downsample="pool").width == 64  # prototypical networks


@pytest.mark.parametrize("activation", [{"activation": "softplus", "downsample": "average"}, {"norm": False}])
def test_switches_of_conv4(activation):
    kinds = {type(module) for module in conv4(**activation).modules()}
    assert (nn.ReLU in kinds) == ("activation" not in activation)
    assert (nn.AvgPool2d in kinds) == ("downsample" in activation)
    assert (Norm in kinds) == ("norm" not in activation)


@pytest.mark.parametrize("network", [lambda: problems.convolutional(), lambda: mlp(4, 2, initial="he")])
def test_biases_start_at_zero(network):
    biases = [m.bias for m in network().modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert biases
    assert all(not bias.any() for bias in biases)


@pytest.mark.parametrize(("initial", "bound"), [("torch", 1.0), ("he", 6**0.5)])
def test_how_large_the_weights_of_a_perceptron_start(initial, bound):
    layer = next(m for m in mlp(100, None, [400], initial=initial).modules() if isinstance(m, nn.Linear))
    largest = layer.weight.abs().max().item() * 100**0.5
    assert 0.99 * bound < largest <= bound


@pytest.mark.parametrize(("initial", "diverges"), [("torch", False), ("he", True)])
def test_several_inner_steps_converge_from_small_weights(initial, diverges):
    learner = methods.maml(mlp(1, 1, initial=initial), inner_steps=5, inner_lr=0.01)
    worst = evaluate(learner, Sinusoids().train, 100).losses.max()
    assert worst > 1e6 if diverges else worst < 100


def test_errors():
    with pytest.raises(ConfigurationError, match="at least 16; got 15"):
        conv4(size=15)
    with pytest.raises(ConfigurationError, match="at least 16 pixels a side; got 15"):
        conv_maps(size=15)
    with pytest.raises(
        ConfigurationError,
        match="Unknown network 'resnet'; known are bias_mlp, conv4, conv_maps, gru, mlp, resnet12, transformer",
    ):
        build({"network": "resnet"})
    with pytest.raises(ConfigurationError, match="Unknown network None"):
        build({})
