from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import difference, measure
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping, seeded
from innerloop.networks import DropBlock, Norm, resnet12


def test_it_is_the_papers_at_full_width():
    network = resnet12(None)
    # three 3x3 convolutions and a 1x1 one in each block, no biases, two numbers a channel for each of four norms
    widths = [3, 64, 160, 320, 640]
    expected = sum(9 * a * b + 18 * b * b + a * b + 8 * b for a, b in pairwise(widths))
    assert sum(p.numel() for p in network.parameters()) == expected == 12_424_320
    assert network.width == 640
    assert network.features(torch.zeros(1, 3, 84, 84)).shape == (1, 640)


def by_hand(p, x):
    """The forward pass with functions only, normalised by its own batch, nothing dropped."""

    def convolution(name, x, padding):
        return F.conv2d(x, p[f"{name}.weight"], padding=padding)

    def norm(name, x):
        return F.batch_norm(x, None, None, p[f"{name}.weight"], p[f"{name}.bias"], True)

    for block in range(4):
        at, y = f"features.{block}", x
        for layer in (0, 3, 6):
            y = norm(f"{at}.layers.{layer + 1}", convolution(f"{at}.layers.{layer}", y, 1))
            if layer < 6:
                y = F.leaky_relu(y, 0.1)
        y = y + norm(f"{at}.shortcut.1", convolution(f"{at}.shortcut.0", x, 0))
        x = F.max_pool2d(F.leaky_relu(y, 0.1), 2)
    return F.linear(x.mean((2, 3)), p["head.weight"], p["head.bias"])


def test_the_forward_pass_is_that_of_the_formula():
    torch.manual_seed(0)
    network = problems.doubled(resnet12(3, 2, channels=2, size=20, drop=0.0))
    x = torch.randn(4, 2, 20, 20, dtype=torch.float64)
    torch.testing.assert_close(network(x), by_hand(dict(network.named_parameters()), x))


def test_blocks_are_dropped_in_the_last_two_blocks_only():
    network = resnet12(None, 2, drop=0.2, block=3)
    found = {name: module for name, module in network.named_modules() if isinstance(module, DropBlock)}
    assert list(found) == ["features.2.dropped", "features.3.dropped"]
    assert all((module.drop, module.block) == (0.2, 3) for module in found.values())
    x = torch.randn(4, 3, 32, 32)
    assert not torch.equal(network(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


def test_all_norms_are_the_librarys():
    kinds = [type(module) for module in resnet12(5, 2).modules()]
    assert kinds.count(Norm) == 16
    assert not any(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds)


@pytest.mark.parametrize("norm", ["batch", "support"])
def test_its_meta_gradient_is_the_same_in_a_loop_and_under_vmap(norm):
    torch.manual_seed(0)
    network = problems.doubled(resnet12(3, 2, channels=1, size=16, drop=0.0))
    learner = methods.maml(network, inner_lr=0.1, norm=norm)
    found = []
    for vectorise in (False, True):
        learner.mapping = Mapping(vectorise=vectorise)
        found.append(measure(learner, problems.pictures()))
    assert difference(*found) < 1e-10


def test_a_learner_trains_with_dropped_blocks_and_evaluates_without():
    torch.manual_seed(0)
    learner = methods.prototypes(resnet12(None, 2, channels=1, size=16).double())
    tasks = problems.pictures()
    learner(tasks).loss.backward()
    assert all(p.grad.isfinite().all() for p in learner.parameters())
    learner.eval()
    assert torch.equal(learner(tasks).losses, learner(tasks).losses)


@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_draws_come_from_the_seed_of_the_task(kind):
    learner = methods.prototypes(resnet12(None, 2, channels=1, size=16, drop=0.3, block=2).double())
    learner.mapping, tasks = Mapping.named(kind), problems.pictures()
    losses = []
    for seeds in ([1, 2, 3], [4, 5, 6], [1, 2, 3]):
        with seeded(seeds):
            losses.append(learner(tasks).losses)
    torch.testing.assert_close(losses[0], losses[2])
    assert not torch.allclose(losses[0], losses[1])


def test_sizes_that_cannot_be():
    with pytest.raises(ConfigurationError, match="at least 16; got 15"):
        resnet12(size=15)
    with pytest.raises(ConfigurationError, match="even; got 3"):
        resnet12(filters=3)
