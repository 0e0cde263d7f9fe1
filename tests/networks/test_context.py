import pytest
import torch
from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks import Context, with_context

LAYERS = {
    "linear": (nn.Linear(3, 4), (5, 3)),
    "linear, sequences": (nn.Linear(3, 4), (5, 4, 3)),
    "linear, one step": (nn.Linear(3, 4), (5, 1, 3)),
    "linear, one vector": (nn.Linear(3, 4), (3,)),
    "conv1d": (nn.Conv1d(3, 4, 1), (5, 3, 4)),
    "conv1d, one example": (nn.Conv1d(3, 4, 1), (3, 4)),
    "conv2d": (nn.Conv2d(3, 4, 1), (5, 3, 4, 4)),
    "conv2d, one example": (nn.Conv2d(3, 4, 1), (3, 4, 4)),
    "conv3d": (nn.Conv3d(3, 4, 1), (2, 3, 4, 4, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_context_is_appended_to_every_input(name):
    layer, shape = LAYERS[name]
    context, x = Context(layer, 2), torch.randn(shape)
    channels = -1 if isinstance(layer, nn.Linear) else len(shape) - layer.weight.ndim + 1
    with torch.no_grad():
        context.context.normal_()
        found = context(x)
        # a layer of size 1 in space: at every place it is the same matrix on the channels
        w, b = layer.weight.flatten(1), layer.bias
        longer = torch.cat(
            [x.movedim(channels, -1), context.context.expand(*x.movedim(channels, -1).shape[:-1], 2)], -1
        )
        expected = (longer @ torch.cat([w, context.weight], 1).T + b).movedim(-1, channels)
    torch.testing.assert_close(found, expected)


def test_a_layer_that_takes_no_context():
    with pytest.raises(ConfigurationError, match="linear or convolutional layer, at least one of them; got ReLU"):
        Context(nn.ReLU(), 2)
    with pytest.raises(ConfigurationError, match="has no linear or convolutional layer 'body'; it has 0"):
        with_context(nn.Sequential(nn.Linear(2, 3)), 2, "body")
