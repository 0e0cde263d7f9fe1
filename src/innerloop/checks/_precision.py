"""Double precision, in which derivatives are compared, and what does not follow into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode


@contextmanager
def double_precision() -> Iterator[None]:
    """While it lasts, new tensors are float64: a forward may make some of its own."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Coarser(TorchDispatchMode):
    """While it lasts, `seen` collects the floating-point types below float64 of all results.

    Rounded to one of them, a function is a staircase, and finite differences see its flat steps.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch in place of every one of its operations."""
        found = function(*args, **(kwargs or {}))
        for leaf in pytree.tree_leaves(found):
            if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.dtype != torch.float64:
                self.seen.add(leaf.dtype)
        return found
