"""What is timed: plain values, known without torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from innerloop.errors import ConfigurationError


@dataclass(frozen=True)
class Workload:
    """One meta-gradient of second-order MAML: the mean query loss of a batch of tasks after inner steps of SGD.

    Args:
        name: a letter for the network and its tasks, then the number of inner steps.
        inner_steps: inner steps.
        inner_lr: the inner learning rate.
        tasks: tasks of the batch.
        filters: of every block of a pooled Conv-4; 0: an MLP 1-40-40-1 on sinusoids.
        channels: of the pictures.
        side: height and width of the pictures.
        queries: query pictures of each of 5 classes, or query points.

    >>> WORKLOADS["O5"].title
    'Conv-4, 64 filters, 1x28x28, 5-way 1-shot, 15 queries a class, 8 tasks, 5 inner steps'
    """

    name: str
    inner_steps: int
    inner_lr: float
    tasks: int
    filters: int = 0
    channels: int = 1
    side: int = 28
    queries: int = 15

    @property
    def title(self) -> str:
        """The workload in words."""
        if self.filters:
            what = (
                f"Conv-4, {self.filters} filters, {self.channels}x{self.side}x{self.side}, 5-way 1-shot, "
                f"{self.queries} queries a class"
            )
        else:
            what = f"MLP 1-40-40-1, sinusoids, K = {self.queries}"
        return f"{what}, {self.tasks} tasks, {self.inner_steps} inner step{'s' if self.inner_steps > 1 else ''}"

    def with_tasks(self, tasks: int) -> Workload:
        """The same with a batch of another size, named after it."""
        return dataclasses.replace(self, name=f"{self.name}x{tasks}", tasks=tasks)

    def small(self) -> Workload:
        """The same in a size that takes a moment: to try the command, not to measure."""
        if not self.filters:
            return dataclasses.replace(self, tasks=3)
        return dataclasses.replace(self, tasks=2, filters=4, side=16, queries=2)


# learning rates: Finn et al. 2017, appendix A (sinusoids, Omniglot, miniImageNet)
WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("S1", 1, 0.01, tasks=25, queries=10),
        Workload("S5", 5, 0.01, tasks=25, queries=10),
        Workload("O1", 1, 0.4, tasks=8, filters=64),
        Workload("O5", 5, 0.4, tasks=8, filters=64),
        Workload("M5", 5, 0.01, tasks=4, filters=32, channels=3, side=84),
    )
}


def chosen(names: Sequence[str], sweep: Sequence[int] = (), *, small: bool = False) -> list[Workload]:
    """The workloads that names or their first letters mean.

    Args:
        names: for instance "S" (all on sinusoids) or "O5".
        sweep: more batch sizes to measure each with.
        small: in small sizes.

    Raises:
        ConfigurationError: if a name means nothing, or a size is no size.

    >>> [workload.name for workload in chosen(["S1", "O"], sweep=[32])]
    ['S1', 'S1x32', 'O1', 'O1x32', 'O5', 'O5x32']
    """
    found: dict[str, Workload] = {}
    for name in names:
        meant = {key: workload for key, workload in WORKLOADS.items() if name and key.startswith(name.upper())}
        if not meant:
            raise ConfigurationError(
                f"Unknown workload {name!r}; there are {', '.join(WORKLOADS)}, and S, O and M for all of a kind."
            )
        found |= meant
    if any(tasks < 1 for tasks in sweep):
        raise ConfigurationError(f"A batch has at least 1 task; got a sweep over {' '.join(map(str, sweep))}.")
    sized = [workload.small() if small else workload for workload in found.values()]
    return [each for workload in sized for each in (workload, *(workload.with_tasks(tasks) for tasks in sweep))]
