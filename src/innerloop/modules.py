"""What is asked of any module: where it is, and to be in a mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are, or its buffers if it has none; the CPU if it has neither.

    >>> device_of(nn.BatchNorm1d(1, affine=False, device="meta")), device_of(nn.Identity())
    (device(type='meta'), device(type='cpu'))
    """
    return next((tensor.device for tensor in chain(module.parameters(), module.buffers())), torch.device("cpu"))


@contextmanager
def in_mode(module: nn.Module, training: bool) -> Iterator[None]:
    """While it lasts, a module and its parts are in `train()` or `eval()`; afterwards each is as it was.

    >>> part = nn.Dropout().eval()
    >>> with in_mode(nn.Sequential(part), training=True):
    ...     part.training
    True
    >>> part.training
    False
    """
    modes = {part: part.training for part in module.modules()}
    module.train(training)
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
