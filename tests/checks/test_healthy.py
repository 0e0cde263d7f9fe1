"""Modules that are all right are said to be so."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import innerloop as il
from helpers import traps
from innerloop.checks import check


class ResidualBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.one, self.two = nn.GroupNorm(2, 6), nn.GroupNorm(2, 6)
        self.skip, self.head = nn.Conv2d(3, 6, 1), nn.Linear(6, 4)

    def forward(self, x):
        h = self.two(self.b(F.relu(self.one(self.a(x)))))
        return self.head(F.relu(h + self.skip(x)).mean((2, 3)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(x).mean(1))


class Language(nn.Module):
    """Tied embeddings, whole numbers in."""

    def __init__(self):
        super().__init__()
        self.embed, self.mix = nn.Embedding(20, 8), nn.Linear(8, 8)
        self.out = nn.Linear(8, 20)
        self.out.weight = self.embed.weight

    def forward(self, x):
        return self.out(F.gelu(self.mix(self.embed(x))).mean(1))


class Trees(nn.Module):
    """A dict in."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, x):
        return self.a(x["left"]) * torch.sigmoid(self.b(x["right"]))


class Low(nn.Module):
    """A low-rank update that begins at zero: structural kinks."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(6, 8).requires_grad_(False)
        self.down, self.up = nn.Linear(6, 2, bias=False), nn.Linear(2, 8, bias=False)
        nn.init.zeros_(self.up.weight)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(F.relu(self.base(x)) + F.relu(self.up(self.down(x))))


def picture(*, channels=1, size=28):
    return torch.randn(8, channels, size, size)


HEALTHY = {
    "mlp": (lambda: il.networks.mlp(6, 3), lambda: torch.randn(8, 6)),
    "mlp softplus": (lambda: il.networks.mlp(6, 3, activation="softplus"), lambda: torch.randn(8, 6)),
    **{
        f"conv4 {downsample} {norm} {activation}": (
            lambda d=downsample, n=norm, a=activation: il.networks.conv4(
                5, 6, size=16, downsample=d, norm=n, activation=a
            ),
            lambda: picture(size=16),
        )
        for downsample in ("stride", "pool", "average")
        for norm in (True, False)
        for activation in ("relu", "softplus")
    },
    "conv4 64": (il.networks.conv4, picture),
    "embedding": (lambda: il.networks.conv4(None, 6), picture),
    "residual block": (ResidualBlock, lambda: picture(channels=3, size=8)),
    "encoder": (Encoder, lambda: torch.randn(8, 5, 8)),
    "GRU cells": (lambda: traps.GRU(True), lambda: torch.randn(8, 5, 6)),
    "LSTM cells": (lambda: traps.LSTM(True), lambda: torch.randn(8, 5, 6)),
    "language": (Language, lambda: torch.randint(20, (8, 7))),
    "trees": (Trees, lambda: {"left": torch.randn(8, 3), "right": torch.randn(8, 2)}),
    "low rank": (Low, lambda: torch.randn(8, 6)),
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ELU(), nn.Linear(8, 3)),
        lambda: torch.randn(8, 6),
    ),
    "instance norm": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.InstanceNorm1d(4), nn.PReLU(), nn.Flatten(), nn.Linear(16, 3)),
        lambda: torch.randn(8, 2, 6),
    ),
    "one layer": (lambda: nn.Linear(6, 3), lambda: torch.randn(8, 6)),
    "scalar outputs": (lambda: nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)), lambda: torch.randn(8, 6)),
    "double": (lambda: il.networks.mlp(6, 3).double(), lambda: torch.randn(8, 6, dtype=torch.float64)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_problem_and_no_warning(name):
    make, inputs = HEALTHY[name]
    report = check(make(), inputs())
    assert report.ok, str(report)
    assert not report.warnings, str(report)
    assert not report.not_run
    assert "agrees with finite differences" in report.named("second derivative")[0].seen, str(report)
    assert "same numbers" in report.named("vmap")[0].seen


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.ReLU6])
def test_a_network_too_wild_to_judge_is_not_called_wrong(activation):
    layers: list[nn.Module] = []
    for i in range(20):
        norm = nn.LayerNorm(16) if i % 3 == 0 else il.networks.Norm(16) if i % 4 == 1 else nn.Identity()
        layers += [nn.Linear(6 if i == 0 else 16, 16), norm, activation()]
    network = nn.Sequential(*layers, nn.Linear(16, 3))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 10
    report = check(network, torch.randn(8, 6))
    assert report.ok, str(report)
    assert {found.name for found in report.findings} >= {"second derivative", "vmap"}


def test_what_is_good_to_know():
    assert "frozen" in check(Low(), torch.randn(8, 6)).named("frozen")[0].seen
    assert "'out.weight' is the same parameter as 'embed.weight'" in (
        check(Language(), torch.randint(20, (8, 7))).named("tied")[0].seen
    )
    assert "its body in `features`" in check(il.networks.mlp(6, 3), torch.randn(8, 6)).named("head")[0].seen
    report = check(il.networks.conv4(5, 6, size=16), picture(size=16))
    assert "norm policy" in report.named("batch norm")[0].seen


@pytest.mark.parametrize("name", ["RunningStatistics", "WritesInput", "Counts", "UnusedLayer", "Lazy"])
def test_nothing_of_the_users_is_changed(name):
    network, x = traps.make(name).eval(), traps.inputs(name)
    before, own = copy.deepcopy(network), x.clone()
    state, kind = torch.get_rng_state(), torch.get_default_dtype()
    check(network, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() is kind
    assert torch.equal(x, own)
    assert not network.training
    assert repr(network) == repr(before)
    assert [p.requires_grad for p in network.parameters()] == [p.requires_grad for p in before.parameters()]
    if name != "Lazy":
        pairs = zip(network.state_dict().values(), before.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_the_same_report_every_time():
    network, x = traps.make("SilentlyWrong"), torch.randn(8, 6)
    assert str(check(network, x)) == str(check(network, x))
