"""Counter-based random numbers: what is drawn depends on named integers alone.

Every draw in a task source is a hash of (seed, split, task, position). So task `i` is the same task on any
machine, in any order and on any number of workers, and a whole batch of tasks is drawn at once.

The hash is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators", figure 16), computed in torch's wrapping int64 arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as int64
_MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_MIX_2 = -7723592293110705685  # 0x94D049BB133111EB
_WORD = (1 << 64) - 1


def _shift(z: Tensor, bits: int) -> Tensor:
    # torch's >> keeps the sign; the hash needs zeros shifted in.
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _mix(z: Tensor) -> Tensor:
    z = (z ^ _shift(z, 30)) * _MIX_1
    z = (z ^ _shift(z, 27)) * _MIX_2
    return z ^ _shift(z, 31)


def _mixed(z: int | Tensor) -> Any:
    """The same hash of `z + golden`, of a whole number in Python's arithmetic."""
    if isinstance(z, Tensor):
        return _mix(z + _GOLDEN)
    z = (z + _GOLDEN) & _WORD
    z = ((z ^ (z >> 30)) * _MIX_1) & _WORD
    z = ((z ^ (z >> 27)) * _MIX_2) & _WORD
    return z ^ (z >> 31)


def _signed(z: int | Tensor) -> Any:
    """A word as int64 has it; tensors are that already."""
    return z - (1 << 64) if isinstance(z, int) and z >> 63 else z


def fold(*parts: int | Tensor) -> Tensor:
    """Hashes integers, or broadcastable int64 tensors of them, to one 64-bit key.

    Args:
        parts: at least one integer or int64 tensor; the order counts.

    Returns:
        int64 keys with the broadcast shape of `parts`.

    >>> bool(fold(1, 2) == fold(1, 2)), bool(fold(1, 2) == fold(2, 1))
    (True, False)
    """
    key: int | Tensor = 0
    for part in parts:
        value = _mixed(part)
        # what is known without a tensor is hashed without one: small operations would take longer than the hash
        key = _mixed(key ^ value if isinstance(key, int) == isinstance(value, int) else _signed(key) ^ _signed(value))
    return key if isinstance(key, Tensor) else torch.tensor(_signed(key), dtype=torch.int64)


def bits(keys: Tensor, *positions: int | Tensor) -> Tensor:
    """Random whole numbers in `[0, 2**63)` at `positions` of the streams named by `keys`."""
    return fold(keys, *positions) & ((1 << 63) - 1)


def uniform(keys: Tensor, *positions: int | Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers in `[0, 1)` at `positions` of the streams named by `keys`.

    24 bits are used, so that the float32 value is exact and never rounds up to 1.

    >>> bool((uniform(torch.arange(1000), 0) < 1).all())
    True
    """
    return _shift(fold(keys, *positions), 40).to(dtype) / (1 << 24)


def normal(keys: Tensor, *positions: int | Tensor) -> Tensor:
    """Standard normal numbers at `positions` of the streams named by `keys` (Box-Muller)."""
    radius = torch.sqrt(-2 * torch.log1p(-uniform(keys, *positions, 0)))
    return radius * torch.cos(2 * torch.pi * uniform(keys, *positions, 1))


def seed_of(*parts: int) -> int:
    """A seed for `torch.manual_seed` made of integers."""
    return int(bits(torch.tensor(0), *parts))
