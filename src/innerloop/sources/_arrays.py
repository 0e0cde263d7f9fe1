"""Tasks over labelled arrays that are in memory already."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._partition import Partition, partition


def from_arrays(
    x: Any,
    y: Any,
    *,
    ways: int,
    shots: int,
    queries: int,
    groups: Any = None,
    splits: Partition = None,
    seed: int = 0,
    name: str = "arrays",
) -> Splits:
    """N-way K-shot tasks over the classes of labelled examples.

    Classes, not examples, are divided into train, validation and test.

    Args:
        x: `(N, ...)` array or tensor of examples; uint8 is read as pictures and scaled to `[0, 1]`, all else
            becomes float32.
        y: `(N,)` whole numbers or strings, the class of each example.
        ways: classes in a task.
        shots: support examples per class.
        queries: query examples per class.
        groups: `(N,)` whole numbers or strings, the same for all examples of a class; if given, all classes
            of a task are of one group.
        splits: class names of each split (train, validation, test), a JSON file of them, or three shares of
            the classes, dealt by a stable hash of their names; 0.64, 0.16 and 0.2 if left out. The name of
            class 3 is "3".
        seed: another seed gives other tasks.
        name: what the examples are, for results and pages.

    Returns:
        The tasks of the three splits.

    Raises:
        DataError: if x and y do not fit together, x holds NaN, or there are too few classes or examples.

    >>> x, y = torch.randn(200, 3), torch.arange(200) % 20
    >>> splits = from_arrays(x, y, ways=2, shots=1, queries=5)
    >>> splits.train[0].support.x.shape
    torch.Size([2, 3])
    """
    rows, labels = _rows(x), _labels(y, "y")
    if len(rows) != len(labels):
        raise DataError(f"x and y must have the same number of rows; got {len(rows)} and {len(labels)}.")
    classes, owner = np.unique(labels, return_inverse=True)
    names = [str(label) for label in classes]
    counts = np.bincount(owner, minlength=len(names))
    order = np.argsort(owner, kind="stable")
    pieces = dict(zip(names, np.split(order, counts.cumsum()[:-1]), strict=True))
    numbers = None if groups is None else _group_of_class(_labels(groups, "groups"), owner, names)
    parts = partition(names, splits, least=ways)

    def tasks(split: str) -> ClassTasks:
        part = parts[split]
        data = ClassData(
            rows[torch.from_numpy(np.concatenate([pieces[name] for name in part]))],
            counts=[len(pieces[name]) for name in part],
            names=part,
            groups=None if numbers is None else [numbers[name] for name in part],
        )
        return ClassTasks(data, ways, shots, queries, seed, split, numbers is not None, name)

    return Splits(*(tasks(split) for split in SPLITS))


def _rows(x: Any) -> Tensor:
    try:
        rows = x.detach().cpu() if isinstance(x, Tensor) else torch.from_numpy(np.array(x))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"x must be an array or a tensor of numbers; got {type(x).__name__} ({error}). Turn it into numbers first."
        ) from error
    if rows.ndim == 0 or len(rows) == 0 or rows.is_complex():
        raise DataError(
            f"x must hold real numbers, one row per example; got {rows.dtype} of shape {tuple(rows.shape)}."
        )
    if rows.dtype == torch.uint8:
        return rows
    rows = rows.to(torch.float32)
    bad = (~torch.isfinite(rows.reshape(len(rows), -1))).any(1).nonzero().flatten()
    if len(bad):
        raise DataError(
            f"x holds NaN or infinity in {len(bad)} rows, the first of them row {int(bad[0])}. Remove or fill them."
        )
    return rows


def _labels(y: Any, what: str) -> np.ndarray[Any, Any]:
    labels = np.asarray(y.detach().cpu() if isinstance(y, Tensor) else y)
    if labels.dtype == object and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(str)
    if labels.ndim != 1 or labels.dtype.kind not in "iuUb":
        raise DataError(
            f"{what} must be one whole number or string per example; got {labels.dtype} of shape "
            f"{labels.shape}. Use y.astype(int) for whole numbers kept as floats, and y.argmax(1) for "
            "one-hot rows."
        )
    return labels


def _group_of_class(groups: np.ndarray[Any, Any], owner: np.ndarray[Any, Any], names: list[str]) -> dict[str, int]:
    if len(groups) != len(owner):
        raise DataError(f"groups and y must have the same number of rows; got {len(groups)} and {len(owner)}.")
    _, number = np.unique(groups, return_inverse=True)
    of_class = np.zeros(len(names), dtype=np.int64)
    of_class[owner] = number
    stray = np.flatnonzero(of_class[owner] != number)
    if len(stray):
        raise DataError(
            f"All examples of a class must have one group; class {names[owner[stray[0]]]!r} has "
            f"{groups[stray[0]]!r} (row {stray[0]}) and another one."
        )
    return dict(zip(names, of_class.tolist(), strict=True))
