"""One sequence of all tokens with a mask that says who sees whom, through torch's own transformer layers."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from helpers import memory
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.methods import in_context
from innerloop.networks import mlp
from innerloop.task import stack, take


def torchs(block):
    """The block as an `nn.TransformerEncoderLayer` with the same weights."""
    width, hidden = block.query.in_features, block.up.out_features
    layer = nn.TransformerEncoderLayer(
        width, block.heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    with torch.no_grad():
        parts = (block.query, block.key, block.value)
        layer.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        layer.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    for own, theirs in (
        (block.joined, layer.self_attn.out_proj), (block.up, layer.linear1), (block.down, layer.linear2),
        (block.before_attention, layer.norm1), (block.before_perceptron, layer.norm2),
    ):  # fmt: skip
        theirs.load_state_dict(own.state_dict())
    return layer


@pytest.mark.parametrize("kind", memory.KINDS)
def test_against_one_masked_sequence(kind):
    learner, tasks = memory.make("in_context", kind), memory.batch(kind)
    found = learner(tasks).prediction
    for i in range(3):
        task = take(tasks, i)
        y = torch.eye(3, dtype=torch.float64)[task.support.y] if kind == "classes" else task.support.y
        support = learner.inputs(learner.network(task.support.x)) + y @ learner.labels.weight.T
        query = learner.inputs(learner.network(task.query.x)) + learner.unknown
        tokens = torch.cat([support, query])[None]
        unseen = torch.ones(11, 11, dtype=torch.bool)
        unseen[:, :6] = False  # all see the support set, and nothing else
        for block in learner.blocks:
            tokens = torchs(block)(tokens, src_mask=unseen)
        raw = learner.output(tokens[0, 6:]).detach()
        if kind == "classes":
            torch.testing.assert_close(found[i], raw)
        else:
            torch.testing.assert_close(found.mean[i], raw[:, :1])


def test_the_fused_kernel_is_used_and_agrees():
    learner = in_context(mlp(4, None, [5]), ways=3, width=8, layers=2, heads=2)
    (task,) = memory.tasks("classes", ((6, 5),))
    task = task.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    found = []
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH):
        with sdpa_kernel(backend):
            found.append(learner.predict(learner.adapt(task.support), task.query.x))
    torch.testing.assert_close(*found)
    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    learner.mapping = Mapping(vectorise=False)
    with Watch():
        learner(stack([task])).loss.backward()
    assert any("flash_attention" in name and "backward" in name for name in seen)


def test_a_slot_has_an_embedding_of_its_own():
    learner = in_context(mlp(4, None, [5]), ways=3, width=8, layers=1, heads=2)
    assert learner.labels.weight.shape == (8, 3)


def test_errors():
    with pytest.raises(ConfigurationError, match="layers= must be at least 1; got 0"):
        in_context(mlp(4, None), layers=0)
    with pytest.raises(ConfigurationError, match="Heads divide the width of a transformer; got 3 heads, width 8"):
        in_context(mlp(4, None), width=8, heads=3)
