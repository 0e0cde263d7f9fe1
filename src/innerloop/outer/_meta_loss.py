"""The meta-loss of an outer step as a module, the form that data-parallel training wraps."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from innerloop.counter import bits
from innerloop.learner import Learner
from innerloop.mapping import Mapping, seeded
from innerloop.modules import device_of
from innerloop.outer._group import Group
from innerloop.task import Source, Task


class MetaLoss(nn.Module):
    """Draws the tasks of a step that are this rank's and maps the learner over them.

    Drawing is part of `forward`, so that whatever can fail on one rank alone fails at one place.

    Args:
        learner: the learner, on its device.
        train: the training split.
        tasks_per_step: tasks in a step, on all ranks.
        seed: of what is random inside the learner.
        group: the processes that train together.
        steps: how many steps are to come in all.

    Attributes:
        mapping: how tasks are mapped; None: as the learner says.
    """

    def __init__(self, learner: Learner, train: Source, tasks_per_step: int, seed: int, group: Group, steps: int):
        super().__init__()
        self.learner = learner
        self._train, self._count, self._seed, self._group = train, tasks_per_step, seed, group
        self._steps = steps
        self.mapping: Mapping | None = None
        self._device = device_of(learner)
        self._draws_ahead = self._device.type != "cpu"
        self._ahead: dict[int, tuple[Tensor, Task]] = {}

    def forward(self, step: int) -> Tensor:
        """Mean query loss of this rank's tasks in a step."""
        indices, tasks = self.tasks(step)
        learner = self.learner.train()
        learner.begin_step(step)
        own, learner.mapping = learner.mapping, self.mapping or learner.mapping
        seeds = bits(indices, self._seed, step).tolist()
        try:
            # what is random in the learner leaves the user's generator alone
            with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []), seeded(seeds):
                loss = cast(Tensor, learner(tasks).loss)
        finally:
            learner.mapping = own
        if self._draws_ahead and step + 1 < self._steps:
            # while an accelerator is still at this step, which nobody has waited for yet
            self._ahead = {step + 1: self._drawn(step + 1)}
        return loss

    def tasks(self, step: int) -> tuple[Tensor, Task]:
        """Numbers of this rank's tasks in a step, and the tasks on the learner's device."""
        indices, found = self._ahead.pop(step) if step in self._ahead else self._drawn(step)
        return indices, found if self._device.type == "cpu" else found.map(lambda leaf: leaf.to(self._device))

    def _drawn(self, step: int) -> tuple[Tensor, Task]:
        indices = self._group.share(torch.arange(step * self._count, (step + 1) * self._count))
        return indices, self._train.batch(indices)
