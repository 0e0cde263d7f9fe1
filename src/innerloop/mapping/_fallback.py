"""Why a mapping is not possible, in words: what PyTorch says is a page long and speaks of its insides."""

from __future__ import annotations

import re

from torch import nn

from innerloop.errors import InnerloopError

RECURRENT = "recurrent layers have no batching rule (their cells, such as nn.GRUCell, do)"

_WORDS = (
    (r"scaled_dot_product|flash_attention|efficient_attention", "fused attention has no rule for it"),
    (r"data-dependent|value out of a tracing tensor|\.item\(\)", "control flow depends on the values of tensors"),
    (r"saved.tensor.?s?.hooks", "activation checkpointing"),
    (r"batch.?norm|running_mean|running_var", "batch norm writes running statistics"),
    (r"in-?place", "an operation writes in place into a tensor that is not mapped over"),
    (r"out of memory|can't allocate memory", "out of memory"),
)


class NotCapturedError(RuntimeError):
    """A step that cannot be captured; its message is the reason in words."""


def is_own(error: BaseException) -> bool:
    """Whether an error is one of ours from the start, not PyTorch's in our words: no other mapping would help."""
    return isinstance(error, InnerloopError) and error.__cause__ is None


def has_recurrent_layers(module: nn.Module) -> bool:
    """Whether a module has one of the layers that go through their sequence in one call, whole."""
    return any(isinstance(part, nn.RNNBase) for part in module.modules())


def reason_of(error: BaseException, module: nn.Module | None = None) -> str:
    """One line on why a step failed under `vmap` or was not captured.

    Args:
        error: what was raised.
        module: where. Under `vmap` recurrent layers fail with complaints about shapes, so they are looked for.

    >>> reason_of(RuntimeError("vmap: ... data-dependent control flow ..."))
    'control flow depends on the values of tensors'
    """
    if isinstance(error, NotCapturedError):
        return str(error)
    if module is not None and has_recurrent_layers(module):
        return RECURRENT
    said = f"{error} {error.__cause__ or ''}"
    for pattern, words in _WORDS:
        if re.search(pattern, said, re.IGNORECASE):
            return words
    if found := re.search(r"[Bb]atching rule not implemented for ([\w:.]+)", said):
        return f"{found[1].rstrip('.')} has no batching rule"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{': ' + lines[0][:160] if lines else ''}"
