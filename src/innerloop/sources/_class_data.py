"""Labelled examples in memory, by class.

Shape legend: N examples, R rows of data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._base import demand_some, shuffled

Transform = Callable[[Tensor, Tensor], Tensor]
"""`(examples (N, ...) float, keys (N,) int64) -> examples`: a fresh, reproducible variation of every example."""


@dataclass(frozen=True, eq=False)
class ClassData:
    """Labelled examples in memory, the rows of one class side by side.

    Args:
        rows: `(R, ...)` the examples; uint8 is read as a picture and scaled to `[0, 1]`.
        counts: number of rows of each class, in the order of the rows.
        names: a name for each class.
        groups: a number for each class; tasks within groups draw all their classes from one of them.
        transform: a variation applied to every drawn example, with a key of its own; with one, a row may be drawn
            several times in a task, since it never looks the same twice.
        distinct: draw a row at most once in a task also with a transform: where it varies little, the same row in
            support and query would be too easy.
        origins: a number for each class; classes with the same one are made of the same examples (a drawing and its
            rotations) and stay together where only some of the classes are taken. None: none are.

    Raises:
        DataError: if the lengths do not fit together.
    """

    rows: Tensor
    counts: Sequence[int]
    names: Sequence[str]
    groups: Sequence[int] | None = None
    transform: Transform | None = None
    distinct: bool = False
    origins: Sequence[int] | None = None
    _start: Tensor = field(init=False, repr=False)
    _count: Tensor = field(init=False, repr=False)
    _group: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        count = torch.tensor(list(self.counts), dtype=torch.int64)
        if len(self.names) != len(count) or int(count.sum()) != len(self.rows):
            raise DataError(
                f"Expected one name and one count per class and counts that add up to the {len(self.rows)} rows; "
                f"got {len(self.names)} names, {len(count)} counts, {int(count.sum())} rows counted."
            )
        if self.rows.is_floating_point() and not bool(torch.isfinite(self.rows).all()):
            row = int((~torch.isfinite(self.rows.flatten(1))).any(1).nonzero()[0])
            owner = int(torch.searchsorted(count.cumsum(0), row, right=True))
            raise DataError(
                f"Example {row - int(count[:owner].sum())} of class {self.names[owner]!r} holds NaN or infinity. "
                "Remove or fill such values before you build tasks."
            )
        groups = self.groups if self.groups is not None else [0] * len(count)
        object.__setattr__(self, "_count", count)
        object.__setattr__(self, "_start", count.cumsum(0) - count)
        object.__setattr__(self, "_group", torch.tensor(list(groups), dtype=torch.int64))

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.rows.shape[1:]))
        varied = "" if self.transform is None else f", transform={self.transform!r}"
        return f"ClassData({len(self.names)} classes, {len(self.rows)} examples of {shape}{varied})"

    @property
    def repeats(self) -> bool:
        """Whether a row may be drawn several times in a task."""
        return self.transform is not None and not self.distinct

    def first(self, classes: int, seed: int, together: int = 1) -> ClassData:
        """Some of the classes: for one seed, a smaller number of them is part of every larger one.

        Classes come in a random order that depends on their names and the seed, those of one origin side by side. A
        group enters with `together` classes at once, so that tasks within it are possible, and grows by one class at
        a time from then on; only the last group to enter may be cut short.

        Args:
            classes: how many.
            seed: another seed gives another order.
            together: classes of a group that come first together: the ways of tasks within groups, else 1.

        Raises:
            ConfigurationError: if there are not so many.
        """
        demand_some(classes, len(self.names), "classes", "The data")
        chosen = sorted(self._order(seed, together)[:classes])
        starts, counts = self._start.tolist(), self._count.tolist()
        at = torch.cat([torch.arange(starts[i], starts[i] + counts[i]) for i in chosen])

        def of(numbers: Sequence[int] | None) -> list[int] | None:
            return None if numbers is None else [numbers[i] for i in chosen]

        return replace(
            self,
            rows=self.rows[at],
            counts=[counts[i] for i in chosen],
            names=[self.names[i] for i in chosen],
            groups=of(self.groups),
            origins=of(self.origins),
        )

    def _order(self, seed: int, together: int) -> list[int]:
        origins = list(self.origins) if self.origins is not None else list(range(len(self.names)))
        members: dict[int, list[int]] = {}
        for place, origin in enumerate(origins):
            members.setdefault(origin, []).append(place)
        first = [places[0] for places in members.values()]
        blocks = list(members.values())
        order = [i for block in shuffled([self.names[i] for i in first], seed) for i in blocks[block]]
        group = self._group.tolist()
        of_group: dict[int, list[int]] = {}
        for place in order:
            of_group.setdefault(group[place], []).append(place)
        found: dict[int, None] = {}
        entered: set[int] = set()
        for place in order:
            own = group[place]
            for each in [place] if own in entered else of_group[own][:together]:
                found.setdefault(each)
            entered.add(own)
        return list(found)

    def draw(self, rows: Tensor, keys: Tensor) -> Tensor:
        """The examples at `rows` `(N,)`, varied with `keys` `(N,)`, as floats."""
        # index_select on a flat index is 2-3 times faster than advanced indexing here
        examples = self.rows.index_select(0, rows)
        if examples.dtype == torch.uint8:
            examples = examples.float().div_(255)
        return examples if self.transform is None else self.transform(examples, keys)
