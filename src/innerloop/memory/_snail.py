"""Temporal convolutions and causal attention over the support set: SNAIL."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.losses import Loss
from innerloop.memory._reader import Reader
from innerloop.memory._snail_blocks import AttentionBlock, DenseBlock, dilations
from innerloop.memory._targets import Targets
from innerloop.networks import Policy, Statistics


class SNAILState(NamedTuple):
    """The support set as a sequence.

    Attributes:
        sequence: `(N, C)` what the blocks made of the examples, in their order, padding behind; the first columns are
            the examples with their targets.
        rows: `()` how many there are without the padding.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    sequence: Tensor
    rows: Tensor
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values
    ways: int | None = None


class SNAIL(Reader):
    """Simple neural attentive learner: a query is the last element of a sequence that begins with the support set.

        (z_1, y_1), ..., (z_N, y_N), (z, 0)

    Blocks of causal convolutions gather what lies at fixed distances, blocks of causal attention what fits by content;
    each appends its output to its input. What they make of the support set is computed once and shared by all queries,
    which do not see one another.

    The order of the support examples counts. More examples are appended; being causal, the blocks leave what they made
    of the old ones as it is.

    Args:
        network: the embedding.
        targets: classes or numbers.
        length: support examples and the query; the convolutions reach back so far, attention as far as there is.
        filters: of a convolution. Keys and values of the three attention blocks grow with it as in the paper: 64 and
            32, 256 and 128, 512 and 256 with 128 filters.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: cross-entropy or squared error.
        norm: policy of the embedding's norm layers.

    Source: Mishra et al. 2018, "A simple neural attentive meta-learner", section 3 and appendix (the blocks for
    few-shot classification). Dilations begin at 1 here, so that every distance is reached.
    """

    state_type = SNAILState

    def __init__(
        self,
        network: nn.Module,
        targets: Targets,
        *,
        length: int,
        filters: int = 128,
        features: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, targets, features=features, loss=loss, norm=norm)
        if length < 2 or filters < 4:
            raise ConfigurationError(
                f"A sequence has at least a support example and a query, and a block 4 filters; got length={length} "
                f"and filters={filters}. Give length = ways * shots + 1, and 4 filters or more."
            )
        self.length, self.filters = length, filters
        self.token = channels = self.features + targets.size
        self.blocks = nn.ModuleList()
        for scale in (1, 4, 8):
            keys, values = scale * filters // 2, scale * filters // 4
            self.blocks.append(AttentionBlock(channels, keys, values))
            channels += values
            if scale == 8:
                break
            for dilation in dilations(length):
                self.blocks.append(DenseBlock(channels, filters, dilation))
                channels += filters
        self.output = nn.Linear(channels, targets.head)

    def read(self, z: Tensor, y: Tensor, mask: Tensor | None, before: SNAILState | None) -> SNAILState:
        """Appends the examples to the sequence."""
        x = torch.cat([z, y], dim=-1)
        count = torch.full((), len(x), device=x.device) if mask is None else mask.sum()
        if before is not None:
            old = before.sequence[:, : self.token]
            there = torch.arange(len(old), device=x.device) < before.rows
            mask = torch.cat([there, torch.ones_like(z[:, 0], dtype=torch.bool) if mask is None else mask])
            x, count = torch.cat([old, x]), before.rows + count
        if mask is not None:
            # padding goes behind, so that distances count examples; causal blocks never look there
            order = torch.sort((~mask).to(torch.int8), stable=True).indices
            x = x.gather(0, order[:, None].expand_as(x))
        for block in self._blocks():
            x = block.sequence(x)
        return SNAILState(x, count)

    def answer(self, state: SNAILState, z: Tensor) -> Tensor:
        """Puts each query behind the sequence."""
        query = torch.cat([z, z.new_zeros(len(z), self.targets.size)], dim=-1)
        for block in self._blocks():
            query = block.last(query, state.sequence[:, : query.shape[1]], state.rows)
        # the other way round than nn.Linear: with few outputs and an odd number of channels its kernel gives a row
        # other last bits in another place of the batch, and an adapted model promises that it does not
        return (self.output.weight @ query.T).T + self.output.bias

    def _blocks(self) -> list[AttentionBlock | DenseBlock]:
        return cast("list[AttentionBlock | DenseBlock]", list(self.blocks))
