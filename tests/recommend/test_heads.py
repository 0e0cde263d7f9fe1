"""The perceptron of a user is the linear map of factors and hidden units beside each other that its formula says."""

import pytest
import torch
from torch import nn

from innerloop.recommend._heads import MLPHead


@pytest.mark.parametrize("hidden", [(4,), (5, 2)])
def test_the_perceptron_is_its_formula(hidden):
    torch.manual_seed(0)
    head = MLPHead(3, hidden).double()
    for parameter in head.parameters():
        nn.init.normal_(parameter)

    def formula(z):
        q = z[..., :-1]
        inside = q
        for layer in head.hidden:
            inside = layer(inside)
        return z[..., -1] + nn.functional.linear(torch.cat([q, inside], -1), *head.output.parameters())[..., 0]

    z = torch.randn(2, 6, 4, dtype=torch.float64)
    torch.testing.assert_close(head(z), formula(z))
    own, expected = (torch.autograd.grad(f(z).square().sum(), head.parameters()) for f in (head, formula))
    torch.testing.assert_close(own, expected)
