"""What a user has of their own: a vector, or the weights of a small network."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from innerloop.recommend._start import SHRINKAGE


class VectorHead(nn.Module):
    """A user is a vector, zero before their first event: the context of CAVIA, multiplied with the item's factors.

        score = base + s c_0 + q · c

    It is as short as a state can be: 4 (F + 1) bytes. CAVIA puts the context beside a layer's input; multiplied with
    the factors it can say what two users think differently of.

    Args:
        factors: F.

    Source: Zintgraf et al. 2019, "Fast context adaptation via meta-learning", section 3; the product: Koren, Bell and
    Volinsky 2009, "Matrix factorization techniques for recommender systems", equation 4.

    >>> VectorHead(2)(torch.tensor([[[1.0, 2.0, 0.5]]]))
    tensor([[0.5000]], grad_fn=<AddBackward0>)
    """

    def __init__(self, factors: int):
        super().__init__()
        self.context = nn.Parameter(torch.zeros(factors + 1), requires_grad=False)
        # a user's own mean moves slower than it could: as one that is shrunk by so many events
        self.scale = nn.Parameter(torch.tensor(SHRINKAGE).rsqrt())

    def forward(self, z: Tensor) -> Tensor:
        """Scores `(...)` for `[q, base]` `(..., F + 1)`."""
        own: Tensor = z[..., :-1] @ self.context[1:]
        return z[..., -1] + self.scale * self.context[0] + own


class MLPHead(nn.Module):
    """A perceptron on the item's factors, beside the rating to start from: what MeLU adapts to a user.

        score = base + W [q, h(q)] + b,   W and b zero before training

    Args:
        factors: F.
        hidden: widths of the hidden layers.

    Source: Lee et al. 2019, "MeLU: meta-learned user preference estimator", section 3.1; the base and the direct way
    from the factors are ours, so that it begins as a bias model.

    >>> MLPHead(2, (4,))(torch.tensor([[[1.0, 2.0, 0.5]]])).item()
    0.5
    """

    def __init__(self, factors: int, hidden: tuple[int, ...] = (32,)):
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside in itertools.pairwise((factors, *hidden)):
            layers += [nn.Linear(inside, outside), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(factors + hidden[-1], 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, z: Tensor) -> Tensor:
        """Scores `(...)` for `[q, base]` `(..., F + 1)`."""
        q = z[..., :-1]
        # products and sums, whose gradients are cheaper than those of a concatenation and of a matrix with one row
        direct, inside = self.output.weight[0].tensor_split([q.shape[-1]])
        own: Tensor = (q * direct).sum(-1) + (self.hidden(q) * inside).sum(-1)
        return z[..., -1] + own + self.output.bias
