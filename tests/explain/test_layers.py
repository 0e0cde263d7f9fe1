import torch
from torch import nn

from innerloop.explain._layers import activations, layers_of
from innerloop.networks import Backbone, Norm, mlp, with_context


def test_norms_join_the_layer_before_them():
    body = nn.Sequential(nn.Linear(4, 3), Norm(3), nn.ReLU(), nn.Linear(3, 3), nn.LayerNorm(3), nn.ReLU())
    found = layers_of(Backbone(body, nn.Linear(3, 2), 3))
    assert [(layer.name, layer.output, layer.head, layer.normed) for layer in found] == [
        ("features.0", "features.1", False, True),
        ("features.3", "features.4", False, True),
        ("head", "head", True, False),
    ]
    assert found[0].parameters == ("features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias")


def test_every_parameter_is_in_one_layer():
    network = with_context(mlp(4, 2, [3]), 5)
    found = layers_of(network)
    names = [name for layer in found for name in layer.parameters]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    assert [layer.name for layer in found] == ["features.1", "features.1.layer", "head"]


def test_a_network_that_is_a_layer_and_tied_weights():
    assert [layer.name for layer in layers_of(nn.Linear(2, 2))] == ["network"]
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert layers_of(tied)[1].parameters == ("1.bias",)


def test_outputs_are_gathered_also_under_vmap_and_the_hooks_go_again():
    network = mlp(4, 2, [3])
    layers, x = layers_of(network), torch.randn(5, 6, 4)

    def outputs(one):
        with activations(network, layers) as seen:
            network(one)
        return dict(seen)

    stacked = torch.func.vmap(outputs)(x)
    assert stacked["features.1"].shape == (5, 6, 3)
    assert torch.allclose(stacked["head"], network(x.flatten(0, 1)).view(5, 6, 2), atol=1e-6)
    assert torch.allclose(stacked["features.1"][2], network.features[1](x[2]), atol=1e-6)
    assert all(not module._forward_hooks for module in network.modules())


def test_of_several_outputs_the_first_tensor_counts():
    network = nn.GRU(4, 3, batch_first=True)
    with activations(network, layers_of(network)) as seen:
        network(torch.randn(2, 5, 4))
    assert seen["network"].shape == (2, 5, 3)
