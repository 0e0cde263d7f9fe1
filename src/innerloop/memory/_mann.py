"""A controller with an external memory: MANN."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.losses import Loss
from innerloop.memory._addressing import cosines, least_used
from innerloop.memory._reader import Reader
from innerloop.memory._targets import Targets
from innerloop.networks import Policy, Statistics
from innerloop.networks._lstm_step import lstm_step


class MANNState(NamedTuple):
    """What was written so far.

    Attributes:
        memory: `(S, D)`, a slot in each row.
        usage: `(S,)` how much each slot was used lately.
        weights: `(R, S)` where the heads read last.
        read: `(R * D,)` what they read.
        hidden: `(H,)` output of the controller.
        cell: `(H,)` cell of an LSTM controller; zeros for a feed-forward one.
        label: `(L,)` target of the last example, which the next step will be shown.
        statistics: of the first support set's norm layers (only with norm="support").
        ways: number of classes; None in regression.
    """

    memory: Tensor
    usage: Tensor
    weights: Tensor
    read: Tensor
    hidden: Tensor
    cell: Tensor
    label: Tensor
    statistics: Statistics = {}  # noqa: RUF012  # never written to: states are values
    ways: int | None = None


class MANN(Reader):
    """Memory-augmented neural network: a controller writes the support set into an external memory, example by example.

    At step t the controller sees an embedding and the target of the example *before* it, so that binding the two is
    left to the memory:

        h_t = controller(z_t, y_{t-1}, r_{t-1}, h_{t-1}),   k_t = tanh(W h_t)
        w^w = σ(α) w^r_{t-1} + (1 - σ(α)) w^lu_{t-1},   M_t = M_{t-1} (least used slots cleared) + w^w' k_t
        w^r = softmax(β cos(k_t, M_t)),   r_t = w^r M_t,   w^u_t = γ w^u_{t-1} + w^r_t + w^w_t

    `w^lu` marks the least used slots by `w^u`. Outputs are a linear map of `(h_t, r_t)`.

    The order of the support examples counts. Reading goes on from a state without looking back: more examples are more
    steps.

    Different from the paper, where all examples are one stream and each is a query first: after the support set one
    step without an embedding is shown the last target, since nothing else would bind it; then queries are answered
    without writing, each from the same memory. The sharpness β is learned, as in neural Turing machines: with
    similarities alone a read from 128 slots is nearly the mean of all.

    Args:
        network: the embedding.
        targets: classes or numbers.
        controller: "lstm" or "feedforward".
        slots: S, rows of the memory. Every example takes R of them; when they are used up, the least used are cleared.
        width: D, numbers in a slot.
        reads: R, heads; each reads and writes.
        hidden: H, size of the controller.
        decay: γ of the usage.
        sharpness: where β starts.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: cross-entropy or squared error.
        norm: policy of the embedding's norm layers.

    Source: Santoro et al. 2016, "Meta-learning with memory-augmented neural networks", section 3 (equations 2 to 8) and
    its time-offset labels (section 2.1). β: Graves, Wayne and Danihelka 2014, "Neural Turing machines", equation 5.
    """

    state_type = MANNState

    def __init__(
        self,
        network: nn.Module,
        targets: Targets,
        *,
        controller: Literal["lstm", "feedforward"] = "lstm",
        slots: int = 128,
        width: int = 40,
        reads: int = 4,
        hidden: int = 200,
        decay: float = 0.95,
        sharpness: float = 10.0,
        features: int | None = None,
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        super().__init__(network, targets, features=features, loss=loss, norm=norm)
        if controller not in ("lstm", "feedforward"):
            raise ConfigurationError(f"controller= is one of lstm, feedforward; got {controller!r}.")
        if not (1 <= reads <= slots and width >= 1 and hidden >= 1 and 0 <= decay < 1):
            raise ConfigurationError(
                f"A memory has slots >= reads >= 1, width and hidden >= 1 and a decay in [0, 1); got slots={slots}, "
                f"reads={reads}, width={width}, hidden={hidden}, decay={decay}. Try 128, 4, 40, 200 and 0.95."
            )
        self.controller, self.slots, self.width, self.reads, self.decay = controller, slots, width, reads, decay
        self.hidden = hidden
        seen = self.features + targets.size + reads * width
        recurrent = controller == "lstm"
        self.control = nn.Linear(seen + hidden, 4 * hidden) if recurrent else nn.Linear(seen, hidden)
        self.key = nn.Linear(hidden, reads * width)
        self.gate = nn.Parameter(torch.zeros(()))
        self.sharpness = nn.Parameter(torch.tensor(float(sharpness)))
        self.output = nn.Linear(hidden + reads * width, targets.head)

    def read(self, z: Tensor, y: Tensor, mask: Tensor | None, before: MANNState | None) -> MANNState:
        """Writes the examples one after the other."""
        state = before if before is not None else self._empty(z)
        for t in range(len(z)):
            after = self._step(state, z[t])._replace(label=y[t])
            state = after if mask is None else _where(mask[t], after, state)
        return state

    def answer(self, state: MANNState, z: Tensor) -> Tensor:
        """Reads for each query, and writes nothing."""
        # the last example's target is still to be shown
        state = self._step(state, torch.zeros_like(z[0]))
        nothing = torch.zeros_like(state.label)
        last = (nothing, state.read, state.hidden, state.cell)
        hidden, _ = self._control(z, *(part.expand(len(z), -1) for part in last))
        weights = self._attend(self._keys(hidden), state.memory)
        return self._output(hidden, weights, state.memory)

    def _empty(self, like: Tensor) -> MANNState:
        return MANNState(
            memory=like.new_zeros(self.slots, self.width),
            usage=like.new_zeros(self.slots),
            weights=like.new_zeros(self.reads, self.slots),
            read=like.new_zeros(self.reads * self.width),
            hidden=like.new_zeros(self.hidden),
            cell=like.new_zeros(self.hidden),
            label=like.new_zeros(self.targets.size),
        )

    def _step(self, state: MANNState, z: Tensor) -> MANNState:
        hidden, cell = self._control(z, state.label, state.read, state.hidden, state.cell)
        keys = self._keys(hidden)
        free = least_used(state.usage, self.reads)
        share = torch.sigmoid(self.gate)
        write = share * state.weights + (1 - share) * free
        memory = state.memory * (1 - free.sum(0))[:, None] + write.T @ keys
        weights = self._attend(keys, memory)
        # which slot is free is no smooth question: the usage carries no gradient
        usage = self.decay * state.usage + (weights + write).detach().sum(0)
        read = (weights @ memory).flatten()
        return state._replace(memory=memory, usage=usage, weights=weights, read=read, hidden=hidden, cell=cell)

    def _control(self, z: Tensor, label: Tensor, read: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([z, label, read], dim=-1)
        if self.controller == "feedforward":
            return torch.relu(self.control(seen)), cell
        return lstm_step(self.control(torch.cat([seen, hidden], dim=-1)), cell)

    def _keys(self, hidden: Tensor) -> Tensor:
        keys: Tensor = torch.tanh(self.key(hidden))
        return keys.reshape(*keys.shape[:-1], self.reads, self.width)

    def _attend(self, keys: Tensor, memory: Tensor) -> Tensor:
        return torch.softmax(self.sharpness * cosines(keys, memory), dim=-1)

    def _output(self, hidden: Tensor, weights: Tensor, memory: Tensor) -> Tensor:
        out: Tensor = self.output(torch.cat([hidden, (weights @ memory).flatten(-2)], dim=-1))
        return out


def _where(seen: Tensor, after: MANNState, before: MANNState) -> MANNState:
    """The state after an example, or as before where it is padding."""
    old: dict[str, Any] = before._asdict()
    new = {n: torch.where(seen, value, old[n]) for n, value in after._asdict().items() if isinstance(value, Tensor)}
    return MANNState(**{**old, **new})
