import pytest
import torch

from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.networks import bias_mlp
from innerloop.task import Examples


def test_the_vector_is_learned_and_adapts_with_everything_else():
    network = bias_mlp(2, 1, [5], 3)
    learner = methods.maml(network, inner_lr=0.1)
    assert "features.1.context" in learner.adapted_names
    assert {name for name, _ in network.named_parameters()} == {*learner.adapted_names}
    state = learner.adapt(Examples(torch.randn(4, 2), torch.randn(4, 1)))
    assert bool((state.parameters["features.1.context"] != network.features[1].context).all())


def test_it_moves_every_output_whatever_the_input_is():
    network = bias_mlp(2, 1, [5], 3)
    x = torch.zeros(1, 2)
    before = network(x)
    with torch.no_grad():
        network.features[1].context.add_(1.0)
    assert not torch.equal(network(x), before)


def test_without_a_hidden_layer_there_is_no_place_for_it():
    with pytest.raises(ConfigurationError, match="at least one hidden layer"):
        bias_mlp(2, 1, [])
