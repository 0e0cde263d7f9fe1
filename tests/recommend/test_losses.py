"""Ranking losses against their formulas, and a shrunk mean as a sum over n + λ."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.losses import mean_loss, squared_error
from innerloop.recommend._losses import Shrunk, absolute, bpr, huber, sampled_softmax
from innerloop.task import Examples


def examples(n, y=None):
    return Examples(torch.zeros(n), torch.zeros(n, 1) if y is None else y)


def test_rankings():
    scores = torch.randn(4, 6, dtype=torch.float64)
    expected = -(scores[:, 0].exp() / scores.exp().sum(1)).log()
    torch.testing.assert_close(sampled_softmax(scores, examples(4)), expected)
    expected = torch.stack([-torch.sigmoid(scores[:, 0] - scores[:, j]).log() for j in range(1, 6)]).mean(0)
    torch.testing.assert_close(bpr(scores, examples(4)), expected)


def test_robust_losses_are_lines_far_out():
    far = torch.tensor([[10.0], [-10.0]])
    assert huber(far, examples(2)).tolist() == [9.5, 9.5]
    torch.testing.assert_close(absolute(far, examples(2)), torch.tensor([9.95, 9.95]))


@settings(deadline=None)
@given(st.integers(1, 9), st.floats(0.5, 20))
def test_a_shrunk_mean_is_a_sum_over_n_plus_the_shrinkage(n, events):
    generator = torch.Generator().manual_seed(n)
    prediction, y = torch.randn(9, 1, generator=generator), torch.randn(9, 1, generator=generator)
    padded = Examples(torch.zeros(9), y, torch.arange(9) < n)
    found = mean_loss(Shrunk(squared_error, events), prediction, padded)
    expected = (prediction - y)[:n].square().sum() / (n + events)
    torch.testing.assert_close(found, expected)
