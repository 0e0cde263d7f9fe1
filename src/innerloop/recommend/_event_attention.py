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
from innerloop.recommend._tower import Tower
from innerloop.task import Examples, Tree


class EventsState(NamedTuple):
    """The user's events as items see them; the first one is nobody's.

    Attributes:
        tokens: `(N, D)` the user's own events, before the first layer.
        keys: `(layers, 1 + N, D)`.
        values: `(layers, 1 + N, D)`.
        mask: `(1 + N,)` False where a row is padding.
        statistics: none.
    """

    tokens: Tensor
    keys: Tensor
    values: Tensor
    mask: Tensor
    statistics: Statistics


class EventAttention(NetworkLearner):
    """In-context learner of users: events attend to one another, and the items in question attend to them.

        event token  W [q_j, base_j, y_j, 1],   item token  W [q_i, base_i, 0, 0],   score = base_i + out(item token)

    There are no positions, so the order of events does not count. An event of nobody stands before the user's own, so
    that a user without any has something to attend to. `out` starts at zero: before training it is the bias model.

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
        self.nobody = nn.Parameter(torch.zeros(1, width))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, 2 * width, fused_attention) for _ in range(layers))
        self.norm_out = nn.LayerNorm(width)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def adapt(self, support: Examples, state: EventsState | None = None) -> EventsState:
        """Reads the events, together with those of `state`: what old events attend to changes with new ones."""
        z = self.network.get_submodule("features")(support.x)[:, 0]
        y = torch.zeros_like(z[:, :1]) if self.ranking else support.y
        own = torch.where(support.mask[:, None], self.tokens(torch.cat([z, y, torch.ones_like(y)], dim=-1)), 0)
        mask = torch.cat([torch.ones_like(support.mask[:1]), support.mask])
        if state is not None:
            own, mask = torch.cat([state.tokens, own]), torch.cat([state.mask, support.mask])
        x, pairs = torch.cat([self.nobody, own]), []
        for block in self._blocks():
            pairs.append(block.keys_values(x))
            x = block(x, *pairs[-1], mask)
        keys, values = (torch.stack(parts) for parts in zip(*pairs, strict=True))
        return EventsState(own, keys, values, mask, {})

    def predict_under(self, state: EventsState, x: Tree, call: NormCall) -> Tensor:
        """Scores `(N, C)`."""
        return self.score(state, self.network.get_submodule("features")(x))

    def score(self, state: EventsState, z: Tensor) -> Tensor:
        """Scores of items, each independent of the others."""
        x = self.tokens(torch.cat([z, torch.zeros_like(z[..., :2])], dim=-1)).flatten(0, -2)
        for block, keys, values in zip(self._blocks(), state.keys, state.values, strict=True):
            x = block(x, keys, values, state.mask)
        own: Tensor = self.out(self.norm_out(x))
        return z[..., -1] + own.reshape(z.shape[:-1])

    def _blocks(self) -> list[TransformerBlock]:
        return cast("list[TransformerBlock]", list(self.blocks))
