"""Steps that are run to learn something about them, and not to train, leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def untouched(module: nn.Module | None) -> Iterator[None]:
    """Afterwards the buffers hold what they held before, and the random generators go on as if nothing had been."""
    buffers = [] if module is None else list(module.buffers())
    before = [(buffer, buffer._version, buffer.clone()) for buffer in buffers]
    devices = {buffer.device for buffer in [*buffers, *(module.parameters() if module is not None else ())]}
    with torch.random.fork_rng([device for device in devices if device.type == "cuda"]):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, version, value in before:
                    if buffer._version != version:
                        buffer.copy_(value)
