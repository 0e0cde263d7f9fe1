import torch
from torch import nn

from innerloop.networks._lstm_step import lstm_step


def test_the_step_is_torchs():
    cell, x, h, c = nn.LSTMCell(3, 4).double(), *(torch.randn(5, n, dtype=torch.float64) for n in (3, 4, 4))
    gates = x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh
    for found, expected in zip(lstm_step(gates, c), cell(x, (h, c)), strict=True):
        torch.testing.assert_close(found, expected)
