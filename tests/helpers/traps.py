"""Small modules with one trap each; `mended=True` is the same after the advice was followed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from innerloop.networks import convert_norms

TRAPS: dict[str, tuple[type, str, str]] = {}
"""Class, finding and severity by the name of the trap."""


def trap(finding: str, severity: str):
    def keep(kind: type) -> type:
        TRAPS[kind.__name__] = kind, finding, severity
        return kind

    return keep


def make(name: str, mended: bool = False) -> nn.Module:
    return TRAPS[name][0](mended)


def inputs(name: str) -> torch.Tensor:
    return torch.randn(8, *getattr(TRAPS[name][0], "shape", (6,)))


class Small(nn.Module):
    """`out(g(tanh(body(x))))`; a trap writes `g`."""

    def __init__(self, mended: bool = False):
        super().__init__()
        self.mended = mended
        self.body, self.out = nn.Linear(6, 8), nn.Linear(8, 3)
        self.more()

    def more(self):
        pass

    def g(self, h):
        return h

    def forward(self, x):
        return self.out(self.g(torch.tanh(self.body(x))))


class Sequences(Small):
    shape = (5, 6)

    def forward(self, x):
        return self.out(self.g(torch.tanh(self.body(x))).mean(1))


@trap("batch norm", "problem")
class RunningStatistics(Small):
    def __new__(cls, mended=False):
        network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        return convert_norms(network) if mended else network


@trap("batch norm", "warning")
class BatchStatistics(Small):
    def __new__(cls, mended=False):
        norm = nn.BatchNorm1d(8, track_running_stats=False)
        network = nn.Sequential(nn.Linear(6, 8), norm, nn.ReLU(), nn.Linear(8, 3))
        return convert_norms(network) if mended else network


@trap("written buffers", "problem")
class RunningInstances(Small):
    shape = (2, 6)

    def __new__(cls, mended=False):
        norm = nn.InstanceNorm1d(2, track_running_stats=not mended)
        return nn.Sequential(nn.Linear(6, 8), norm, nn.Tanh(), nn.Flatten(), nn.Linear(16, 3))


@trap("lazy", "problem")
class Lazy(Small):
    def __new__(cls, mended=False):
        network = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.Linear(8, 3))
        if mended:
            network(torch.zeros(4, 6))
        return network


@trap("parameters", "problem")
class AllFrozen(Small):
    def more(self):
        self.requires_grad_(self.mended)


@trap("tied", "warning")
class HeadTiedToBody(nn.Module):
    def __init__(self, mended):
        super().__init__()
        self.body, self.head = nn.Linear(6, 6), nn.Linear(6, 6)
        if not mended:
            self.head.weight = self.body.weight

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


@trap("input", "problem")
class WritesInput(Small):
    def forward(self, x):
        if self.mended:
            x = x + 1
        else:
            x += 1
        return super().forward(x)


@trap("input", "problem")
class InPlaceFirst(nn.Module):
    def __new__(cls, mended=False):
        return nn.Sequential(nn.ReLU(inplace=not mended), nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))


@trap("written parameters", "problem")
class ClampsItsWeight(Small):
    def g(self, h):
        if self.mended:
            return F.linear(h, self.square.clamp(-0.1, 0.1))
        self.square.data.clamp_(-0.1, 0.1)
        return F.linear(h, self.square)

    def more(self):
        self.square = nn.Parameter(torch.randn(8, 8))


@trap("written buffers", "problem")
class Counts(Small):
    def more(self):
        self.register_buffer("level", torch.ones(8), persistent=False)

    def g(self, h):
        if self.mended:
            return h / (1 + self.level)
        self.level.mul_(0.9)
        return h / (1 + self.level)


@trap("kept between calls", "warning")
class Remembers(Small):
    def g(self, h):
        if not self.mended:
            self.last = h
        return h


@trap("hidden state", "problem")
class NumpyNoise(Small):
    def g(self, h):
        if not self.training:
            return h
        noise = torch.randn(8) if self.mended else torch.as_tensor(np.random.randn(8), dtype=h.dtype)
        return h + noise.to(h)


@trap("random predictions", "warning")
class DropoutInEval(Small):
    def g(self, h):
        return F.dropout(h, 0.3, self.training if self.mended else True)


@trap("randomness", "warning")
class Dropout(Small):
    def more(self):
        self.dropout = nn.Dropout(0.0 if self.mended else 0.3)

    def g(self, h):
        return self.dropout(h)


@trap("rows", "problem")
class SoftmaxOverRows(Small):
    def g(self, h):
        return h.softmax(1 if self.mended else 0)


@trap("rows", "problem")
class CentresRows(Small):
    def g(self, h):
        return h - h.mean(1 if self.mended else 0, keepdim=True)


@trap("one row", "problem")
class SqueezesAll(Small):
    def forward(self, x):
        h = super().forward(x)[:, None, :]
        return h.squeeze(1) if self.mended else h.squeeze()


@trap("batch size", "problem")
class FixedBatch(Small):
    def g(self, h):
        return h.flatten(1) if self.mended else h.view(8, 8)


@trap("output", "problem")
class SequenceFirst(nn.Module):
    shape = (5, 6)

    def __init__(self, mended):
        super().__init__()
        self.mended = mended
        self.attention = nn.MultiheadAttention(6, 1, batch_first=mended)

    def forward(self, x):
        h = x if self.mended else x.transpose(0, 1)
        return self.attention(h, h, h)[0]


@trap("output", "problem")
class Labels(Small):
    def forward(self, x):
        logits = super().forward(x)
        return logits if self.mended else logits.argmax(-1)


@trap("output", "problem")
class ReturnsLoss(Small):
    def forward(self, x):
        h = super().forward(x)
        return h if self.mended else h.square().mean()


@trap("output", "problem")
class Complex(Small):
    def forward(self, x):
        h = torch.fft.fft(super().forward(x))
        return h.abs() if self.mended else h


@dataclass
class ModelOutput:
    logits: Any


@trap("output", "problem")
class OutputObject(Small):
    def forward(self, x):
        h = super().forward(x)
        return h if self.mended else ModelOutput(h)


@trap("output", "problem")
class LogOfZero(Small):
    def forward(self, x):
        return torch.log(super().forward(x).relu() + (1e-6 if self.mended else 0))


@trap("output", "warning")
class TwoOutputs(Small):
    def forward(self, x):
        h = super().forward(x)
        return h if self.mended else (h, h.exp())


@trap("unused", "problem")
class UnusedLayer(Small):
    def more(self):
        self.spare = nn.Linear(3, 3).requires_grad_(not self.mended)


@trap("unused", "problem")
class Detached(Small):
    def g(self, h):
        return h if self.mended else h.detach()


@trap("gradient", "problem")
class NoGrad(Small):
    def forward(self, x):
        with torch.set_grad_enabled(self.mended):
            return super().forward(x)


@trap("gradient", "problem")
class Inference(Small):
    def g(self, h):
        with torch.inference_mode(not self.mended):
            return self.second(h)

    def more(self):
        self.second = nn.Linear(8, 8)


@trap("gradient", "problem")
class OverwritesActivation(Small):
    def g(self, h):
        return h * 2 if self.mended else h.mul_(2)


@trap("gradient", "problem")
class NumpyOnTheWay(Small):
    def g(self, h):
        return torch.special.expit(h) if self.mended else torch.as_tensor(1 / (1 + np.exp(-h.numpy())))


@trap("unregistered", "problem")
class LayersInAList(Small):
    def more(self):
        layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
        self.layers = nn.ModuleList(layers) if self.mended else layers

    def g(self, h):
        for layer in self.layers:
            h = torch.tanh(layer(h))
        return h


@trap("captured", "problem")
class CapturedWeight(Small):
    def more(self):
        self.kept = [self.out.weight]

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return F.linear(h, self.out.weight if self.mended else self.kept[0], self.out.bias)


@trap("not finite", "problem")
class RootAtZero(Small):
    def g(self, h):
        return torch.sqrt(h.relu() + (1e-6 if self.mended else 0))


@trap("not finite", "problem")
class CurvatureAtZero(Small):
    def more(self):
        self.gate = nn.Parameter(torch.zeros(8))

    def g(self, h):
        return (h.square() * self.gate.square() + (1e-6 if self.mended else 0)).pow(1.25)


@trap("recomputation", "problem")
class Checkpointed(Small):
    def g(self, h):
        return (
            self.second(h).tanh()
            if self.mended
            else checkpoint(lambda z: self.second(z).tanh(), h, use_reentrant=False)
        )

    def more(self):
        self.second = nn.Linear(8, 8)


@trap("vmap", "warning")
class CheckpointedWithWeights(Small):
    """The other half of the advice of `Checkpointed`."""

    def g(self, h):
        weight, bias = self.second.weight, self.second.bias
        return F.linear(h, weight, bias) if self.mended else checkpoint(F.linear, h, weight, bias, use_reentrant=False)

    def more(self):
        self.second = nn.Linear(8, 8)


@trap("double backward", "problem")
class FusedAttention(Sequences):
    def g(self, h):
        with sdpa_kernel([SDPBackend.MATH] if self.mended else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
            return F.scaled_dot_product_attention(h[:, None], h[:, None], h[:, None])[:, 0]


class _Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * gradient


class _CubeOnce(_Cube):
    backward = staticmethod(once_differentiable(_Cube.backward))


class _CubeDetached(_Cube):
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * gradient


class _CubeModern(_Cube):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


@trap("second derivative", "problem")
class OnceDifferentiable(Small):
    def g(self, h):
        return (_Cube if self.mended else _CubeOnce).apply(h)


@trap("second derivative", "problem")
class SilentlyWrong(Small):
    def g(self, h):
        return (_Cube if self.mended else _CubeDetached).apply(h)


@trap("vmap", "warning")
class OldFunction(Small):
    def g(self, h):
        return (_CubeModern if self.mended else _Cube).apply(h)


@trap("first derivative", "warning")
class StraightThrough(Small):
    def g(self, h):
        return h if self.mended else h + (h.round() - h).detach() + 0.5 * (h**2 - (h**2).detach())


@trap("double precision", "warning")
class SinglePrecision(Small):
    def g(self, h):
        scale = torch.eye(8, dtype=h.dtype if self.mended else torch.float32)
        return h @ scale


@trap("double precision", "warning")
class CastsOnTheWay(Small):
    def g(self, h):
        return h.softmax(-1) if self.mended else h.float().softmax(-1).to(h.dtype)


@trap("double precision", "warning")
class HalfOutputs(Small):
    def forward(self, x):
        h = super().forward(x)
        return h if self.mended else h.half()


@trap("vmap", "warning")
class LSTM(nn.Module):
    shape = (5, 6)

    def __init__(self, mended):
        super().__init__()
        if mended:
            self.gates = nn.Linear(6 + 8, 4 * 8)
        else:
            self.layer = nn.LSTM(6, 8, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        if hasattr(self, "layer"):
            return self.out(self.layer(x)[0][:, -1])
        h = c = x.new_zeros(len(x), 8)
        for t in range(x.shape[1]):
            i, f, g, o = self.gates(torch.cat([x[:, t], h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.out(h)


@trap("vmap", "warning")
class GRU(nn.Module):
    shape = (5, 6)

    def __init__(self, mended):
        super().__init__()
        self.layer = nn.GRUCell(6, 8) if mended else nn.GRU(6, 8, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        if isinstance(self.layer, nn.GRU):
            return self.out(self.layer(x)[0][:, -1])
        h = x.new_zeros(len(x), 8)
        for t in range(x.shape[1]):
            h = self.layer(x[:, t], h)
        return self.out(h)


@trap("vmap", "warning")
class Item(Small):
    def more(self):
        self.scale = nn.Parameter(torch.tensor(0.7))

    def g(self, h):
        largest = self.body.weight.abs().max()
        return h * self.scale * (largest if self.mended else largest.item())


@trap("vmap", "warning")
class Branches(Small):
    def g(self, h):
        total = self.body.bias.sum()
        if self.mended:
            return torch.where(total > 0, h, -h)
        return h if total > 0 else -h


@trap("vmap", "warning")
class BooleanMask(Small):
    def g(self, h):
        if self.mended:
            return torch.where(h > 0, h * 2, h)
        flat = h.flatten()
        large = flat[flat > 0] * 2
        return torch.zeros_like(flat).masked_scatter(flat > 0, large).view_as(h) + h.clamp(max=0)


@trap("vmap", "warning")
class NumpyBeside(Small):
    def forward(self, x):
        if self.mended:
            return super().forward(torch.sin(x))
        return super().forward(torch.as_tensor(np.sin(x.numpy())))


@trap("vmap", "warning")
class FillsSharedTensor(Small):
    def g(self, h):
        filled = h.new_zeros(len(h), 8) if self.mended else torch.zeros(len(h), 8)
        filled[:, :4] = h[:, :4]
        return filled + h
