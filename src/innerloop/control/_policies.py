"""Rivals of meta-learned imitation that need no gradient: replay, the nearest demonstrated step, a context.

In a support set a demonstration ends where a row of padding stands (see `DemonstrationTasks`).

Shape legend: K demonstrations, N steps, 7 numbers of an observation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from innerloop.control._tasks import ACTIONS, OBSERVED
from innerloop.learner import Learner
from innerloop.task import Examples

REPLAY_SOLVES = 0.45
"""Success of replay above which a task is said not to test adaptation: it can be solved without looking. A choice."""


class DemonstratedState(NamedTuple):
    """Steps that were demonstrated.

    Attributes:
        x: `(N, 7)` observations.
        y: `(N, 4)` actions.
        mask: `(N,)` False where a row is padding.
    """

    x: Tensor
    y: Tensor
    mask: Tensor


class NearestStep(Learner):
    """Does what was done in the demonstrated step whose observation is nearest; there is nothing to train.

        a(x) = y_i,   i = argmin_i |x - x_i|²

    Its actions are those of another start, and it never leaves a place where the nearest step stands still.
    """

    family = "metric"
    state_type = DemonstratedState

    def __init__(self) -> None:
        super().__init__()
        self.name = "Nearest demonstrated step"

    def adapt(self, support: Examples, state: DemonstratedState | None = None) -> DemonstratedState:
        """Keeps the demonstrations; more of them are appended to those of `state`."""
        return _kept(support, state)

    def predict(self, state: DemonstratedState, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The nearest step's action for each observation `(N, 7)`."""
        away = (x[:, None] - state.x[None]).square().sum(-1)
        return state.y[away.masked_fill(~state.mask, float("inf")).argmin(1)]


class Replay(Learner):
    """Open loop: does what the first demonstration did at the same time, whatever it sees; there is nothing to train.

        a(x, t) = y_t

    It must be in every table: where all episodes of a task start at one place, as in Meta-World as it comes, it solves
    the task.
    """

    family = "trivial"
    state_type = DemonstratedState

    def __init__(self) -> None:
        super().__init__()
        self.name = "Replay of the demonstration"

    def adapt(self, support: Examples, state: DemonstratedState | None = None) -> DemonstratedState:
        """Keeps the first demonstration; that of `state`, if there is one."""
        if state is not None:
            return state
        first = support.mask.long().cumprod(0).bool()  # up to the first row of padding
        return DemonstratedState(support.x, support.y, first)

    def predict(self, state: DemonstratedState, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Takes the rows of `x` `(N, 7)` as the steps of demonstrations, each from its first one."""
        row = torch.arange(len(x), device=x.device)
        if mask is None:
            return self._at(state, row)
        padding = torch.where(mask, -1, row).cummax(0).values  # the last row of padding before this one
        return self._at(state, (row - padding - 1).clamp(min=0))

    def at(self, state: DemonstratedState, x: Tensor, step: int) -> Tensor:
        """The action in step `step` of an episode, `(N, 4)`; after the end of the demonstration, its last one."""
        return self._at(state, torch.full((len(x),), step, device=x.device))

    def _at(self, state: DemonstratedState, times: Tensor) -> Tensor:
        return state.y[torch.minimum(times, state.mask.sum() - 1)]


class LastStateState(NamedTuple):
    """What the demonstrations ended in.

    Attributes:
        total: `(7,)` sum of their last observations.
        shown: `()` how many there were.
    """

    total: Tensor
    shown: Tensor


class LastState(Learner):
    """A policy that is told how the demonstrations ended: the mean of their last observations is part of its input.

        c = 1/K Σ_k x_{k, end},   a(x) = f([x, c])

    A hidden place to go to is just this, so that this short rival can be hard to beat.

    Args:
        network: from `(N, 14)` to `(N, 4)`; `innerloop.control.last_state` makes one.
    """

    family = "memory"
    state_type = LastStateState

    def __init__(self, network: nn.Module):
        super().__init__()
        self.name, self.network = "Last state as context", network

    def adapt(self, support: Examples, state: LastStateState | None = None) -> LastStateState:
        """Looks at the ends of the demonstrations; goes on from `state` if there is one."""
        # a row of a demonstration with padding, or nothing, behind it
        last = support.mask & ~torch.cat([support.mask[1:], torch.zeros_like(support.mask[:1])])
        total, shown = torch.where(last[:, None], support.x, 0).sum(0), last.sum()
        if state is not None:
            total, shown = total + state.total, shown + state.shown
        return LastStateState(total, shown)

    def predict(self, state: LastStateState, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Actions for observations `(N, 7)`."""
        context = state.total / state.shown.clamp(min=1)
        out: Tensor = self.network(torch.cat([x, context.expand(len(x), -1)], dim=-1))
        return out


def last_state(hidden: tuple[int, ...] = (100, 100)) -> LastState:
    """The policy with the last state as its context, on fully connected layers.

    >>> last_state().name
    'Last state as context'
    """
    layers: list[nn.Module] = []
    width = 2 * len(OBSERVED)
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return LastState(nn.Sequential(*layers, nn.Linear(width, len(ACTIONS))))


def _kept(support: Examples, state: DemonstratedState | None) -> DemonstratedState:
    new = DemonstratedState(support.x, support.y, support.mask)
    if state is None:
        return new
    return DemonstratedState(*(torch.cat(pair) for pair in zip(state, new, strict=True)))
