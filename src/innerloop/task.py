"""A task is a small learning problem: support examples to learn from, query examples to be judged on.

Both are pytrees, so `torch.func.vmap` and everything else in PyTorch that maps over trees takes them as they
are. A task whose leaves have one more leading axis is a batch of tasks.

Shape legend: T tasks, N examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.errors import DataError

Tree = Any
"""A tensor, or a dict, list or tuple of trees."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples `x` with targets `y`: `N` of them along the first axis of every leaf.

    Args:
        x: inputs, a tensor or a tree of tensors, each `(N, ...)`.
        y: targets, a tensor or a tree of tensors, each `(N, ...)`; class labels are int64 slots `0..ways-1`.
        mask: `(N,)` bool, False where a row is padding. All True if left out.
        ways: number of classes; None in regression.

    Raises:
        DataError: if leaves disagree on `N`, or labels of a classification are not whole numbers.

    >>> Examples(torch.zeros(3, 1), torch.tensor([0, 1, 1]), ways=2).mask
    tensor([True, True, True])
    """

    x: Tree
    y: Tree
    mask: Tensor = None  # type: ignore[assignment]  # filled in below, never None afterwards
    ways: int | None = None

    def __post_init__(self) -> None:
        mask = cast("Tensor | None", self.mask)
        leaves = pytree.tree_leaves((self.x, self.y))
        if not leaves or not all(isinstance(leaf, Tensor) and leaf.ndim > 0 for leaf in leaves):
            raise DataError(
                "Examples need tensors with a leading example axis in x and y; "
                f"got {[getattr(leaf, 'shape', type(leaf).__name__) for leaf in leaves]}. "
                "Turn arrays into tensors with torch.as_tensor."
            )
        counts = {int(leaf.shape[0]) for leaf in leaves}
        if mask is not None:
            counts.add(int(mask.shape[0]))
        if len(counts) > 1:
            raise DataError(
                f"Every leaf of x, y and mask must have the same number of rows; got {sorted(counts)} "
                f"(shapes {[tuple(leaf.shape) for leaf in leaves]})."
            )
        if mask is None:
            mask = torch.ones(counts.pop(), dtype=torch.bool, device=leaves[0].device)
            object.__setattr__(self, "mask", mask)
        if self.ways is not None and isinstance(self.y, Tensor) and self.y.is_floating_point():
            raise DataError(
                f"Class labels must be whole numbers; got y of type {self.y.dtype}. "
                "Use y.long(), or leave out `ways` for a regression."
            )

    def __len__(self) -> int:
        return int(self.mask.shape[-1])

    def map(self, function: Callable[[Tensor], Tensor]) -> Examples:
        """The same examples with `function` applied to every tensor (for instance `.to(device)`)."""
        return cast(Examples, pytree.tree_map(function, self))


@dataclass(frozen=True, eq=False)
class Task:
    """One learning problem: adapt on `support`, be judged on `query`.

    Args:
        support: the examples that the inner loop may see.
        query: the examples that the outer loss and the evaluation see.
        index: `()` int64, the task's number in its source; -1 if it has none.

    >>> examples = Examples(torch.zeros(3, 1), torch.zeros(3, 1))
    >>> Task(support=examples, query=examples).ways is None
    True
    """

    support: Examples
    query: Examples
    index: Tensor = None  # type: ignore[assignment]  # filled in below, never None afterwards

    def __post_init__(self) -> None:
        if self.support.ways != self.query.ways:
            raise DataError(
                f"Support and query must have the same number of ways; got {self.support.ways} and {self.query.ways}."
            )
        if cast("Tensor | None", self.index) is None:
            object.__setattr__(self, "index", torch.tensor(-1, device=self.support.mask.device))

    @property
    def ways(self) -> int | None:
        """Number of classes; None in regression."""
        return self.query.ways

    def map(self, function: Callable[[Tensor], Tensor]) -> Task:
        """The same task with `function` applied to every tensor (for instance `.to(device)`)."""
        return cast(Task, pytree.tree_map(function, self))


class Source(Protocol):
    """What training and evaluation need of a task source."""

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`, stacked."""

    def describe(self) -> dict[str, Any]:
        """What the tasks are, in plain values."""


def _rebuild(cls: type, children: Sequence[Any], context: Any) -> Any:
    # Trees pass through here with leaves that are not tensors (axis numbers, None): nothing may be validated.
    new: Any = object.__new__(cls)
    for name, child in zip(context[0], children, strict=True):
        object.__setattr__(new, name, child)
    for name, value in context[1]:
        object.__setattr__(new, name, value)
    return new


def register_node(cls: type, children: tuple[str, ...], static: tuple[str, ...] = ()) -> None:
    """Makes a frozen dataclass a tree: `children` are mapped over, `static` fields are carried along."""
    pytree.register_pytree_node(
        cls,
        lambda node: (
            [getattr(node, name) for name in children],
            (children, tuple((name, getattr(node, name)) for name in static)),
        ),
        lambda leaves, context: _rebuild(cls, list(leaves), context),
        serialized_type_name=f"innerloop.{cls.__name__}",
        flatten_with_keys_fn=lambda node: (
            [(pytree.GetAttrKey(name), getattr(node, name)) for name in children],
            (children, tuple((name, getattr(node, name)) for name in static)),
        ),
    )


register_node(Examples, ("x", "y", "mask"), ("ways",))
register_node(Task, ("support", "query", "index"))


def number_of_tasks(tasks: Task) -> int:
    """How many tasks are stacked in `tasks`.

    Raises:
        DataError: if `tasks` is a single task.
    """
    if tasks.index.ndim != 1:
        raise DataError(
            f"Expected a batch of tasks (index of shape (T,)); got a single task (index of shape "
            f"{tuple(tasks.index.shape)}). Use innerloop.stack([task])."
        )
    return int(tasks.index.shape[0])


def take(tasks: Task, index: int | slice) -> Task:
    """One task (`index` a number) or some tasks (a slice) of a batch."""
    return tasks.map(lambda leaf: leaf[index])


def stack(tasks: Sequence[Task]) -> Task:
    """Stacks tasks to a batch; shorter supports and queries are padded with masked zero rows.

    Args:
        tasks: tasks with the same tree structure, the same ways and the same shape of an example.

    Returns:
        A task whose leaves have a leading axis of length `len(tasks)`.

    Raises:
        DataError: if the tasks do not fit together.

    >>> def task(n):
    ...     examples = Examples(torch.ones(n, 1), torch.ones(n, 1))
    ...     return Task(examples, examples)
    >>> stack([task(2), task(3)]).support.mask
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    if not tasks:
        raise DataError("Expected at least one task to stack; got none.")
    support = max(len(task.support) for task in tasks)
    query = max(len(task.query) for task in tasks)
    padded = [
        Task(support=pad(task.support, support), query=pad(task.query, query), index=task.index) for task in tasks
    ]
    structures = {str(pytree.tree_structure(task)) for task in padded}
    if len(structures) > 1:
        raise DataError(f"Tasks of one batch must have the same structure and ways; got {sorted(structures)}.")
    try:
        return cast(Task, pytree.tree_map(lambda *leaves: torch.stack(leaves), *padded))
    except RuntimeError as error:
        raise DataError(f"Tasks of one batch must have examples of one shape: {error}") from error


def pad(examples: Examples, rows: int) -> Examples:
    """The same examples followed by masked zero rows, `rows` rows in all.

    >>> pad(Examples(torch.ones(1, 2), torch.ones(1)), 3).mask
    tensor([ True, False, False])
    """
    missing = rows - len(examples)
    if missing < 0:
        raise DataError(f"Cannot pad {len(examples)} examples to {rows} rows.")
    if missing == 0:
        return examples
    return examples.map(lambda leaf: torch.cat([leaf, leaf.new_zeros((missing, *leaf.shape[1:]))]))


def is_padded(tasks: Task) -> bool:
    """Whether any row of the tasks is padding."""
    return not bool(tasks.support.mask.all() and tasks.query.mask.all())
