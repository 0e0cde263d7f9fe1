"""What vmap or a graph cannot do is done by the loop, and the reason is said in words."""

import re

import pytest
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn

from helpers.checks import difference, measure, warnings
from helpers.learners import make
from innerloop.errors import DataError
from innerloop.mapping import Mapping
from innerloop.mapping._fallback import reason_of
from innerloop.task import Examples, Task


def sequences(rows=6):
    """Three tasks of three classes of sequences of four steps with three values each."""

    def examples():
        mask = torch.ones(3, rows, dtype=torch.bool)
        return Examples(torch.randn(3, rows, 4, 3).double(), torch.arange(rows).remainder(3).repeat(3, 1), mask, 3)

    return Task(examples(), examples(), torch.arange(3))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer, self.head = kind(3, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(3, 9), nn.Linear(3, 3)

    def forward(self, x):
        q, k, v = self.layer(x)[:, None].chunk(3, -1)
        return self.head(F.scaled_dot_product_attention(q, k, v)[:, 0].mean(1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(3, 1, 8, dropout=0.0, batch_first=True)
        self.head = nn.Linear(3, 3)

    def forward(self, x):
        return self.head(self.layer(x).mean(1))


class Odd(nn.Module):
    """A linear layer and something that not every mapping can do."""

    def __init__(self, function):
        super().__init__()
        self.layer, self.head, self.function = nn.Linear(12, 5), nn.Linear(5, 3), function
        self.register_buffer("running_mean", torch.zeros(5))

    def forward(self, x):
        return self.head(self.function(self, self.layer(x.flatten(1))))


def checkpointed(module, h):
    return torch.utils.checkpoint.checkpoint(torch.tanh, h, use_reentrant=False)


def written(module, h):
    module.running_mean.lerp_(h.detach().mean(0), 0.1)
    return h


HOSTILE = {
    "LSTM": (lambda: Recurrent(nn.LSTM), "recurrent layers"),
    "GRU": (lambda: Recurrent(nn.GRU), "recurrent layers"),
    "RNN": (lambda: Recurrent(nn.RNN), "recurrent layers"),
    "a branch": (lambda: Odd(lambda _, h: h if h.sum() > 0 else 2 * h), "control flow depends on the values"),
    "a number": (lambda: Odd(lambda _, h: h * h.mean().item()), "control flow depends on the values"),
    "checkpointing": (lambda: Odd(checkpointed), "activation checkpointing"),
    "running averages": (lambda: Odd(written), "running statistics|in place"),
}


def both(network, mapping, tasks):
    """The measurements under the loop and under a mapping."""
    learner = make("maml", network.double())
    found = []
    for each in (Mapping.named("loop"), mapping):
        learner.mapping = each
        measure(learner, tasks)
        found.append(measure(learner, tasks))
    return found


@pytest.mark.parametrize("kind", ["vmap", "captured"])
@pytest.mark.parametrize("name", HOSTILE)
def test_the_loop_takes_over_and_says_why(name, kind, caplog):
    build, reason = HOSTILE[name]
    expected, found = both(build(), Mapping.named(kind), sequences())
    assert difference(found, expected) < 1e-12
    (said,) = warnings(caplog)  # once, not at every step
    assert said.endswith("going on with: loop")
    assert re.search(f"vmap is not possible: .*({reason})", said)
    assert "\n" not in said


@pytest.mark.parametrize("kind", ["vmap", "captured"])
@pytest.mark.parametrize("build", [Attention, Transformer])
def test_attention_is_vectorised_and_has_second_derivatives(build, kind, caplog):
    expected, found = both(build(), Mapping.named(kind), sequences())
    assert difference(found, expected) < 1e-12
    assert not warnings(caplog)


@pytest.mark.parametrize("name", ["LSTM", "a branch", "checkpointing"])
def test_the_trial_knows_them_too(name):
    build, reason = HOSTILE[name]
    learner = make("maml", build().double())
    mapping = learner.settle_mapping(sequences())
    assert not mapping.vectorise
    assert reason in mapping.reason
    asked = learner.settle_mapping(sequences(), Mapping.named("vmap"))
    assert str(asked) == "loop"
    assert reason in asked.reason


@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_without_gradients_too(kind, caplog):
    learner = make("maml", HOSTILE["a branch"][0]().double())
    learner.mapping = Mapping.named(kind)
    with torch.no_grad():
        assert learner(sequences()).losses.shape == (3,)
    assert len(warnings(caplog)) == (kind != "loop")


@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_a_mistake_of_the_users_is_raised_as_it_is_and_not_hidden(kind, caplog):
    class MistakeError(Exception):
        pass

    def fail(module, h):
        raise MistakeError("mine")

    learner = make("maml", Odd(fail).double())
    learner.mapping = Mapping.named(kind)
    with pytest.raises(MistakeError, match="mine") as caught:
        learner(sequences())
    assert caught.value.__context__ is None
    learner = make("maml", nn.Sequential(nn.Flatten(), nn.Linear(7, 3)).double())
    learner.mapping = Mapping.named(kind)
    with pytest.raises(DataError, match="cannot take inputs of shape"):
        learner(sequences())
    assert not warnings(caplog)


def test_reasons_are_one_line():
    assert reason_of(ValueError("first\nsecond")) == "ValueError: first"
    assert reason_of(ValueError()) == "ValueError"
    assert reason_of(RuntimeError("Batching rule not implemented for aten::foo.bar; see")) == (
        "aten::foo.bar has no batching rule"
    )
    assert reason_of(RuntimeError("CUDA out of memory. Tried to allocate")) == "out of memory"
