"""A memory of events: items attend to what the user has done, in any order."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.network_learner import NetworkLearner
from innerloop.networks import NormCall, Statistics
from innerloop.networks._transformer import TransformerBlock, fused_attention
from innerloop.recommend._learners import network_of
from innerloop.recommend._start import SHRINKAGE
from innerloop.recommend._tower import Tower
from innerloop.task import Examples, Tree


class EventsState(NamedTuple):
    """The user's events as items see them; the first one is nobody's.

    Attributes:
        events: `(N, F + 2)` `[q, base, y]` of the user's own events.
        keys: `(layers, 1 + N, D)`.
        values: `(layers, 1 + N, D)`.
        mask: `(1 + N,)` False where a row is padding.
        mean: `()` m.
        statistics: none.
    """

    events: Tensor
    keys: Tensor
    values: Tensor
    mask: Tensor
    mean: Tensor
    statistics: Statistics


class EventAttention(NetworkLearner):
    """In-context learner of users: events attend to one another, and the items in question attend to them.

        r_j = y_j - base_j - m,   m = Σ (y_j - base_j) / (n + λ)
        event token  W [q_j, base_j, r_j, 1],   item token  W [q_i, base_i, 0, 0]
        score = base_i + m + out(item token)

    There are no positions, so the order of events does not count. An event of nobody stands before the user's own, so
    that a user without any has something to attend to. `out` starts at zero: before training it is the model of user
    and item biases. In a ranking there are neither ratings nor m.

    Args:
        tower: of the items.
        width: D, of a token.
        layers: how many blocks.
        heads: of the attention; they divide the width.
        ranking: whether examples are events in front of sampled items; only events are read.
        loss: outer loss.

    Source: Nguyen and Grover 2022, "Transformer neural processes", section 3 (TNP-D).
    """

    family = "memory"
    state_type = EventsState

    def __init__(
        self, tower: Tower, *, width: int = 32, layers: int = 1, heads: int = 2, ranking: bool = False, loss: Any = None
    ):
        super().__init__(network_of(tower, nn.Identity()), loss=loss, norm="none")
        at_least("layers=", layers, 1)
        self.ranking = ranking
        self.tokens = nn.Linear(tower.factors + 3, width)
        self.log_strength = nn.Parameter(torch.tensor(SHRINKAGE).log(), requires_grad=not ranking)
        self.nobody = nn.Parameter(torch.zeros(1, width))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, 2 * width, fused_attention) for _ in range(layers))
        self.norm_out = nn.LayerNorm(width)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def adapt(self, support: Examples, state: EventsState | None = None) -> EventsState:
        """Reads the events, together with those of `state`: what old events attend to changes with new ones."""
        z = self.network.get_submodule("features")(support.x)[:, 0]
        events = torch.cat([z, torch.zeros_like(z[:, :1]) if self.ranking else support.y], dim=-1)
        there = support.mask
        if state is not None:
            events, there = torch.cat([state.events, events]), torch.cat([state.mask[1:], there])
        left = events[:, -1:] - events[:, -2:-1] * (not self.ranking)
        left = torch.where(there[:, None], left, 0)
        mean = left.sum() / (there.sum() + self.log_strength.exp())
        x = self.tokens(torch.cat([events[:, :-1], left - mean, torch.ones_like(left)], dim=-1))
        x, pairs = torch.cat([self.nobody, torch.where(there[:, None], x, 0)]), []
        mask = torch.cat([torch.ones_like(there[:1]), there])
        for block in self._blocks():
            pairs.append(block.keys_values(x))
            x = block(x, *pairs[-1], mask)
        keys, values = (torch.stack(parts) for parts in zip(*pairs, strict=True))
        return EventsState(events, keys, values, mask, mean, {})

    def predict_under(self, state: EventsState, x: Tree, call: NormCall) -> Tensor:
        """Scores `(N, C)`."""
        return self.score(state, self.network.get_submodule("features")(x))

    def score(self, state: EventsState, z: Tensor) -> Tensor:
        """Scores of items, each independent of the others."""
        x = self.tokens(torch.cat([z, torch.zeros_like(z[..., :2])], dim=-1)).flatten(0, -2)
        for block, keys, values in zip(self._blocks(), state.keys, state.values, strict=True):
            x = block(x, keys, values, state.mask)
        own: Tensor = self.out(self.norm_out(x))
        return z[..., -1] + state.mean + own.reshape(z.shape[:-1])

    def _blocks(self) -> list[TransformerBlock]:
        return cast("list[TransformerBlock]", list(self.blocks))
