"""The blocks; what holds for every sequence network is in test_gru.py."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks import transformer
from innerloop.networks._transformer import (
    TransformerBlock,
    fused_attention,
    heads_apart,
    heads_joined,
    plain_attention,
    positions,
)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("attention", [plain_attention, fused_attention])
def test_attention_by_hand(attention, masked):
    q, k, v = (torch.randn(2, rows, 3, dtype=torch.float64) for rows in (4, 5, 5))
    mask = torch.tensor([True, False, True, True, False]) if masked else None
    seen = [0, 2, 3] if masked else [0, 1, 2, 3, 4]
    found = attention(q, k, v, mask)
    for head in range(2):
        for row in range(4):
            logits = torch.stack([q[head, row] @ k[head, s] / 3**0.5 for s in seen])
            expected = torch.softmax(logits, 0) @ v[head, seen]
            torch.testing.assert_close(found[head, row], expected)


def test_heads():
    x = torch.randn(3, 5, 6)
    apart = heads_apart(x, 2)
    assert apart.shape == (3, 2, 5, 3)
    assert torch.equal(apart[:, 1, 4], x[:, 4, 3:])
    assert torch.equal(heads_joined(apart), x)


def test_a_block_is_torchs_encoder_layer():
    block = TransformerBlock(6, 2, 7).double()
    layer = nn.TransformerEncoderLayer(6, 2, 7, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True)
    layer = layer.double()
    with torch.no_grad():
        parts = (block.query, block.key, block.value)
        layer.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        layer.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        for own, theirs in (
            (block.joined, layer.self_attn.out_proj), (block.up, layer.linear1), (block.down, layer.linear2),
        ):  # fmt: skip
            theirs.load_state_dict(own.state_dict())
        for norm in (block.before_attention, block.before_perceptron):
            norm.weight.normal_()
            norm.bias.normal_()
        layer.norm1.load_state_dict(block.before_attention.state_dict())
        layer.norm2.load_state_dict(block.before_perceptron.state_dict())
    x = torch.randn(4, 5, 6, dtype=torch.float64)
    torch.testing.assert_close(block(x, *block.keys_values(x)), layer(x))


def test_positions_are_the_papers():
    found = positions(4, 6, torch.zeros((), dtype=torch.float64))
    for place in range(4):
        for i in range(3):
            angle = torch.tensor(place / 10_000 ** (2 * i / 6), dtype=torch.float64)
            torch.testing.assert_close(found[place, i], angle.sin())
            torch.testing.assert_close(found[place, 3 + i], angle.cos())
    assert positions(4, 5, torch.zeros(())).shape == (4, 5)


def test_errors():
    with pytest.raises(ConfigurationError, match="Heads divide the width of a transformer; got 4 heads, width 6"):
        transformer(2, 3, width=6)
