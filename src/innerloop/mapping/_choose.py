"""The rule that picks a mapping."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from innerloop.mapping._mapping import Mapping

_RECURRENT = (nn.RNN, nn.GRU, nn.LSTM)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def choose_mapping(every: Iterable[nn.Module], adapted: Iterable[nn.Module], device: torch.device) -> Mapping:
    """The mapping that is expected to be fastest.

    Recurrent layers have no batching rule. Convolutions whose weights differ from task to task become grouped
    convolutions under `vmap`, which a CPU runs at about half the speed of a loop and in up to 15 times its memory
    (both measured, see docs/design.md); where weights are shared, and on small networks, `vmap` wins 5 to 30 times.

    Args:
        every: all modules of the learner.
        adapted: those whose own weights differ from task to task.
        device: where they are.

    >>> print(choose_mapping([nn.Linear(1, 1)], [nn.Linear(1, 1)], torch.device("cpu")))
    vmap
    """
    if any(isinstance(module, _RECURRENT) for module in every):
        return Mapping(vectorise=False, reason="recurrent layers cannot be vectorised")
    if device.type == "cpu" and any(isinstance(module, _CONVOLUTIONS) for module in adapted):
        return Mapping(vectorise=False, reason="convolutions with weights of their own per task, on a CPU")
    return Mapping(vectorise=True, reason="no per-task convolutions on a CPU, no recurrent layers")
