"""Full-context embeddings: every embedding knows the whole support set.

Shape legend: N support examples, Q query examples, D embedding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.networks._lstm_step import lstm_step


class Cell(nn.Module):
    """A step of an LSTM, written with plain products: `nn.LSTM` has no rule for `torch.func.vmap`.

        i, f, g, o = W_x x + W_h h + b,   c' = σ(f) c + σ(i) tanh(g),   h' = σ(o) tanh(c')

    Args:
        inputs: size of `x`.
        hidden: size of `c` and of the output.
        recurrent: size of what comes back as `h`; None: as the output.

    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory", with the forget gate of Gers et al. 2000.

    >>> h, c = Cell(3, 2)(torch.zeros(5, 3), torch.zeros(5, 2), torch.zeros(5, 2))
    >>> h.shape
    torch.Size([5, 2])
    """

    def __init__(self, inputs: int, hidden: int, recurrent: int | None = None):
        super().__init__()
        self.input = nn.Linear(inputs, 4 * hidden)
        self.recurrent = nn.Linear(hidden if recurrent is None else recurrent, 4 * hidden, bias=False)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The output and the memory after `x`."""
        return self.step(self.input(x), h, c)

    def step(self, projected: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The same from `W_x x + b`, which may have been computed for many steps at once."""
        return lstm_step(projected + self.recurrent(h), c)


class FullContext(nn.Module):
    """Embeds support examples by a bidirectional LSTM over their set, and queries by an LSTM that reads from it.

        g(x_i, S) = g'(x_i) + h→_i + h←_i
        f(x, S) = h_K,   h_k = f'(x) + LSTM(f'(x), [h_{k-1}, r_{k-1}])
                         r_k = Σ_i softmax_i(h_k · g(x_i, S)) g(x_i, S)

    Every LSTM starts from zero, so that `h_0 = f'(x)`. The result depends on the order of the support set, since an
    LSTM reads a sequence.

    Args:
        width: size D of the embeddings.
        reads: K, how many times a query reads from the support set.

    Source: Vinyals et al. 2016, "Matching networks for one shot learning", appendix A.
    """

    def __init__(self, width: int, reads: int):
        super().__init__()
        self.reads = reads
        self.onward, self.back = Cell(width, width), Cell(width, width)
        self.query = Cell(width, width, recurrent=2 * width)

    def support(self, z: Tensor, present: Tensor) -> Tensor:
        """`g(x_i, S)` `(N, D)` for plain embeddings `(N, D)`; rows that are not `present` `(N,)` are passed over."""
        onward = self._along(self.onward, z, present, range(len(z)))
        back = self._along(self.back, z, present, range(len(z) - 1, -1, -1))
        return z + onward + back

    def forward(self, z: Tensor, support: Tensor, present: Tensor) -> Tensor:
        """`f(x, S)` `(Q, D)` for plain query embeddings `(Q, D)` and `support`, the result of that method."""
        projected = self.query.input(z)
        h, c = z, torch.zeros_like(z)
        lowest = torch.finfo(z.dtype).min
        for _ in range(self.reads):
            attention = F.softmax(torch.where(present, h @ support.T, lowest), dim=-1)
            out, c = self.query.step(projected, torch.cat([h, attention @ support], dim=-1), c)
            h = out + z
        return h

    def _along(self, cell: Cell, z: Tensor, present: Tensor, order: range) -> Tensor:
        projected = cell.input(z)
        h = c = torch.zeros_like(z[0])
        outputs: list[Tensor] = [h] * len(z)
        for i in order:
            out, memory = cell.step(projected[i], h, c)
            h, c = torch.where(present[i], out, h), torch.where(present[i], memory, c)
            outputs[i] = h
        return torch.stack(outputs)
