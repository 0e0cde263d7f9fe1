"""Every query at the end of a sequence of its own, in numpy, position by position."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers import memory
from innerloop.errors import ConfigurationError
from innerloop.memory._snail_blocks import AttentionBlock, DenseBlock, dilations
from innerloop.methods import snail
from innerloop.networks import mlp
from innerloop.task import take


def linear(layer, x):
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def convolution(block, x):
    """The dense block, one position after the other."""
    found = []
    for t in range(len(x)):
        past = x[t - block.dilation] if t >= block.dilation else np.zeros_like(x[t])
        filtered, gate = np.split(linear(block.taps, np.concatenate([past, x[t]])), 2)
        found.append(np.tanh(filtered) / (1 + np.exp(-gate)))
    return np.concatenate([x, found], axis=1)


def attention(block, x):
    """Causal attention, one position after the other."""
    found = []
    for t in range(len(x)):
        query = linear(block.query, x[t])
        logits = np.array([query @ linear(block.key, x[s]) for s in range(t + 1)]) / np.sqrt(len(query))
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        found.append(sum(w * linear(block.value, x[s]) for s, w in enumerate(weights)))
    return np.concatenate([x, found], axis=1)


@pytest.mark.parametrize("kind", memory.KINDS)
def test_against_one_sequence_for_every_query(kind):
    learner = memory.make("snail", kind)
    tasks = memory.batch(kind, sizes=((5, 4), (5, 4), (5, 4)))
    found = learner(tasks).prediction
    for i in range(3):
        task = take(tasks, i)
        z, queries = (learner.network(part.x).detach().numpy() for part in (task.support, task.query))
        y = np.eye(3)[task.support.y.numpy()] if kind == "classes" else task.support.y.numpy()
        for j, query in enumerate(queries):
            last = np.concatenate([query, np.zeros(y.shape[1])])
            x = np.concatenate([np.concatenate([z, y], axis=1), last[None]])
            for block in learner.blocks:
                x = attention(block, x) if isinstance(block, AttentionBlock) else convolution(block, x)
            np.testing.assert_allclose(found[i, j].numpy(), linear(learner.output, x[-1]), rtol=1e-9)


@pytest.mark.parametrize("dilation", [1, 2, 4, 9])
def test_the_convolution_is_torchs(dilation):
    block, x = DenseBlock(3, 2, dilation).double(), torch.randn(6, 3, dtype=torch.float64)
    weight = block.taps.weight.reshape(4, 2, 3).transpose(1, 2)  # (outputs, channels, taps)
    taps = F.conv1d(F.pad(x.T[None], (dilation, 0)), weight, block.taps.bias, dilation=dilation)[0].T
    expected = torch.tanh(taps[:, :2]) * torch.sigmoid(taps[:, 2:])
    torch.testing.assert_close(block.sequence(x), torch.cat([x, expected], dim=1))


@pytest.mark.parametrize("make", [lambda: DenseBlock(3, 2, 2), lambda: AttentionBlock(3, 4, 2)])
def test_no_position_sees_what_comes_after_it(make):
    block, x = make().double(), torch.randn(6, 3, dtype=torch.float64)
    changed = x.clone()
    changed[4:] += 1
    assert torch.equal(block.sequence(x)[:4], block.sequence(changed)[:4])


@pytest.mark.parametrize("make", [lambda: DenseBlock(3, 2, 2), lambda: AttentionBlock(3, 4, 2)])
def test_a_query_is_the_last_of_the_sequence(make):
    block, x = make().double(), torch.randn(6, 3, dtype=torch.float64)
    for count in (0, 1, 3, 5):
        expected = block.sequence(torch.cat([x[:count], x[5:]]))[-1:]
        torch.testing.assert_close(block.last(x[5:], x[:5], torch.tensor(count)), expected)


@pytest.mark.parametrize("length", range(2, 30))
def test_the_convolutions_reach_over_the_sequence(length):
    found = dilations(length)
    reached = {0}
    for dilation in found:
        reached |= {r + dilation for r in reached}
    assert set(range(length)) <= reached
    assert length == 2 or sum(found[:-1]) < length - 1  # and none is too many
    assert len(found) == max(1, int(np.ceil(np.log2(length))))


def test_with_128_filters_it_is_the_papers():
    learner = snail(mlp(4, None, [64]), ways=5, length=6, filters=128)
    attentions = [block for block in learner.blocks if isinstance(block, AttentionBlock)]
    assert [(b.key.out_features, b.value.out_features) for b in attentions] == [(64, 32), (256, 128), (512, 256)]
    kinds = [type(block).__name__[0] for block in learner.blocks]
    assert "".join(kinds) == "ADDDADDDA"
    assert learner.output.in_features == 64 + 5 + 32 + 3 * 128 + 128 + 3 * 128 + 256


def test_the_sequence_may_be_longer_than_it_was_built_for():
    learner = memory.make("snail")
    (task,) = memory.tasks("classes", ((20, 4),))
    assert learner.predict(learner.adapt(task.support), task.query.x).isfinite().all()


def test_old_positions_stay_as_they_are():
    learner, (task,) = memory.make("snail"), memory.tasks("classes", ((6, 4),))
    first = learner.adapt(memory.rows(task.support, slice(0, 4)))
    both = learner.adapt(memory.rows(task.support, slice(4, None)), first)
    torch.testing.assert_close(both.sequence[:4], first.sequence)
    assert both.rows == 6


def test_errors():
    for wrong in ({"length": 1}, {"length": 6, "filters": 3}):
        with pytest.raises(ConfigurationError, match="at least a support example and a query"):
            snail(mlp(4, None), ways=3, **wrong)
