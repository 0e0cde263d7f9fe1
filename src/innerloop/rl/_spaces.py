"""What an agent may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Continuous:
    """Actions of `size` numbers; the environment clips each to `[low, high]` and the policy's own draw is kept.

    Attributes:
        size: numbers in an action.
        low: the smallest that has an effect.
        high: the largest that has an effect.
    """

    size: int
    low: float
    high: float


@dataclass(frozen=True)
class Discrete:
    """One of `size` actions, numbered from 0.

    Attributes:
        size: how many there are.
    """

    size: int


Space = Continuous | Discrete
