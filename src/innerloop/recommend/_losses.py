"""Losses of recommendation: rankings in which the first candidate is the event, and means that shrink."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.losses import Loss
from innerloop.task import Examples


def sampled_softmax(scores: Tensor, examples: Examples) -> Tensor:
    """`-log softmax(scores)_0`: the event, the first candidate, against sampled items that the user never met.

    Args:
        scores: `(N, 1 + negatives)`.
        examples: only their number counts.

    Source: Jean et al. 2015, "On using very large target vocabulary for neural machine translation", section 3.

    >>> sampled_softmax(torch.zeros(1, 2), Examples(torch.zeros(1), torch.zeros(1))).item()
    0.6931...
    """
    return -torch.log_softmax(scores, dim=-1)[..., 0]


def bpr(scores: Tensor, examples: Examples) -> Tensor:
    """`-log σ(s_0 - s_j)`, the mean over the negatives j.

    Args:
        scores: `(N, 1 + negatives)`.
        examples: only their number counts.

    Source: Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback", section 4.1.

    >>> bpr(torch.zeros(1, 3), Examples(torch.zeros(1), torch.zeros(1))).item()
    0.6931...
    """
    return F.softplus(scores[..., 1:] - scores[..., :1]).mean(-1)


def huber(prediction: Tensor, examples: Examples) -> Tensor:
    """Squared error up to one deviation, then absolute: half of `r²`, or `|r| - 1/2`.

    >>> huber(torch.tensor([[3.0]]), Examples(torch.zeros(1), torch.zeros(1, 1))).item()
    2.5
    """
    return F.huber_loss(prediction, examples.y, reduction="none").mean(-1)


def absolute(prediction: Tensor, examples: Examples) -> Tensor:
    """`|r|`, smooth within a tenth of a deviation; its best constant is the median.

    >>> absolute(torch.tensor([[3.0]]), Examples(torch.zeros(1), torch.zeros(1, 1))).item()
    2.950...
    """
    return F.smooth_l1_loss(prediction, examples.y, reduction="none", beta=0.1).mean(-1)


class Shrunk:
    """An inner loss that counts less where there are few events: a mean of `n` losses as a sum over `n + λ`.

        L = n / (n + λ) · 1/n Σ l_j

    A user with one event then moves by less than one with twenty, as under a prior worth λ events.

    Args:
        loss: of one event.
        events: λ.

    >>> from innerloop.losses import squared_error
    >>> two = Examples(torch.zeros(2), torch.zeros(2, 1))
    >>> Shrunk(squared_error, 2.0)(torch.ones(2, 1), two)
    tensor([0.5000, 0.5000])
    """

    def __init__(self, loss: Loss, events: float):
        self.loss, self.events = loss, events

    def __call__(self, prediction: Tensor, examples: Examples) -> Tensor:
        """`(N,)`."""
        seen = examples.mask.sum()
        return self.loss(prediction, examples) * (seen / (seen + self.events))
