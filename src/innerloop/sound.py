"""Tasks that would go silently wrong are refused before anything is learned from them."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.errors import DataError
from innerloop.task import Task


def demand_sound(tasks: Task) -> None:
    """Refuses what would go silently wrong: NaN in inputs or targets, labels outside the ways.

    Raises:
        DataError: naming the first offending task.
    """
    for part, examples in (("support", tasks.support), ("query", tasks.query)):
        for leaf in pytree.tree_leaves((examples.x, examples.y)):
            # a sum is the quicker look, in every step; it may overflow, so only then every number counts
            if leaf.is_floating_point() and not isfinite(leaf.sum().item()) and not bool(torch.isfinite(leaf).all()):
                bad = int((~torch.isfinite(leaf)).flatten(1).any(1).nonzero()[0])
                raise DataError(
                    f"The {part} set of task {int(tasks.index[bad])} holds NaN or infinity. "
                    "Clean the data; a single such value would spoil the meta-parameters."
                )
        if tasks.ways is not None and isinstance(examples.y, Tensor) and examples.y.numel():
            low, high = int(examples.y.min()), int(examples.y.max())
            if low < 0 or high >= tasks.ways:
                raise DataError(
                    f"The {part} set has the label {low if low < 0 else high}; {tasks.ways}-way tasks have labels "
                    f"0..{tasks.ways - 1}. Relabel each task's classes to slots."
                )
