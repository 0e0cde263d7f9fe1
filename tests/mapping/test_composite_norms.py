"""Fused norms have wrong second derivatives under `vmap` (pytorch/functorch#534): ours must not."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import problems
from helpers.checks import difference, measure
from helpers.learners import make
from innerloop.mapping import Mapping
from innerloop.mapping._composite_norms import CompositeNorms


class ByTorch(nn.Module):
    """The functions below `torch.nn.functional`, which other libraries call."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.weight, self.bias = nn.Parameter(torch.ones(5)), nn.Parameter(torch.zeros(5))

    def forward(self, x):
        if self.kind == "layer":
            return torch.layer_norm(x, (5,), self.weight, self.bias, 1e-5)
        if self.kind == "instance":
            return (
                torch.instance_norm(x[None], None, None, None, None, True, 0.1, 1e-5, False)[0] * self.weight
                + self.bias
            )
        return torch.batch_norm(x, self.weight, self.bias, None, None, True, 0.1, 1e-5, False)


class Instances(nn.Module):
    def __init__(self, affine):
        super().__init__()
        self.norm = nn.InstanceNorm1d(5, affine=affine)

    def forward(self, x):  # the examples as one signal of five channels
        return self.norm(x.T[None])[0].T


LAYERS = {
    "BatchNorm1d": lambda: nn.BatchNorm1d(5, track_running_stats=False),
    "BatchNorm1d, no affine": lambda: nn.BatchNorm1d(5, affine=False, track_running_stats=False),
    "InstanceNorm1d": lambda: Instances(True),
    "InstanceNorm1d, no affine": lambda: Instances(False),
    "LayerNorm": lambda: nn.LayerNorm(5),
    "LayerNorm, no bias": lambda: nn.LayerNorm(5, bias=False),
    "LayerNorm, no affine": lambda: nn.LayerNorm(5, elementwise_affine=False),
    "RMSNorm": lambda: nn.RMSNorm(5),
    "GroupNorm": lambda: nn.GroupNorm(1, 5),
    "torch.batch_norm": lambda: ByTorch("batch"),
    "torch.layer_norm": lambda: ByTorch("layer"),
    "torch.instance_norm": lambda: ByTorch("instance"),
}


def network(layer):
    net = nn.Sequential(nn.Linear(4, 5), layer, nn.Tanh(), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for p in net[1].parameters():
            p.add_(0.3 * torch.randn_like(p))
    return net


@pytest.mark.parametrize("method", ["maml", "fomaml"])
@pytest.mark.parametrize("name", LAYERS)
def test_foreign_norms_under_vmap_give_the_meta_gradient_of_the_loop(name, method):
    learner, tasks = make(method, network(LAYERS[name]())), problems.batch()
    learner.mapping = Mapping(vectorise=False)
    expected = measure(learner, tasks)
    learner.mapping = Mapping(vectorise=True)
    assert difference(measure(learner, tasks), expected) < 1e-12


def test_the_check_sees_what_the_fused_norms_do(monkeypatch):
    """When this fails, PyTorch has been repaired and `CompositeNorms` may go."""
    monkeypatch.setattr("innerloop.mapping._composite_norms._COMPOSITE", {})
    learner, tasks = make("maml", network(nn.LayerNorm(5))), problems.batch()
    learner.mapping = Mapping(vectorise=False)
    expected = measure(learner, tasks)
    learner.mapping = Mapping(vectorise=True)
    assert difference(measure(learner, tasks), expected) > 1e-4


@pytest.mark.parametrize(
    "norm",
    [
        lambda x, w, b: F.layer_norm(x, (2, 5), w.expand(2, 5), b.expand(2, 5), 1e-3),
        lambda x, w, b: F.layer_norm(x, (5,), weight=None, bias=b),
        lambda x, w, b: F.batch_norm(x.mT, None, None, w, b, True, 0.1, 1e-3).mT,
        lambda x, w, b: F.batch_norm(x[:, 0], None, None, training=True),
        lambda x, w, b: F.batch_norm(x[:, 0], w, b.abs(), w, b, training=False),
        lambda x, w, b: F.instance_norm(x.mT, weight=w, bias=b, eps=1e-3).mT,
        lambda x, w, b: F.instance_norm(x.mT, w, b.abs(), w, b, use_input_stats=False).mT,
        lambda x, w, b: F.linear(x, w[None], b[:1]),
    ],
)
def test_composite_norms_have_the_values_of_the_fused_ones(norm):
    x, w, b = torch.randn(6, 2, 5), torch.randn(5), torch.randn(5)
    with CompositeNorms():
        found = norm(x, w, b)
    torch.testing.assert_close(found, norm(x, w, b))
