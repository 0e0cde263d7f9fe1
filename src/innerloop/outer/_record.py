"""What a training writes while it runs: a log, a checkpoint to go on from, and the best weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from innerloop.learner import Learner
from innerloop.outer._checkpoint import Progress, load_weights, save_checkpoint, save_weights
from innerloop.outer._run import Run


@dataclass
class Record:
    """The record of a training; it stays in memory where there is no run folder.

    Args:
        learner: what is trained.
        optimiser: of the outer loop.
        schedule: of its rate.
        folder: of the run; None: nothing is written.
        state: how far the training has come.
    """

    learner: Learner
    optimiser: Optimizer
    schedule: LRScheduler | None
    folder: Run | None
    state: Progress
    best_weights: dict[str, Tensor] | None = field(default=None, init=False)

    def log(self, **entry: Any) -> None:
        """Adds a line to the run's log."""
        if self.folder is not None:
            self.folder.log(step=self.state.step, seconds=round(self.state.seconds, 3), **entry)

    def save(self) -> None:
        """Writes the checkpoint to go on from."""
        if self.folder is not None:
            save_checkpoint(self.folder.last, self.learner, self.optimiser, self.schedule, self.state)

    def judge(self, mean: float, higher_is_better: bool) -> None:
        """Keeps the weights if a validation is the best so far; counts those since that were not."""
        state = self.state
        # a learner that diverged is never the best
        if math.isfinite(mean) and (
            state.best is None or (mean > state.best if higher_is_better else mean < state.best)
        ):
            state.best, state.best_step, state.stale = mean, state.step, 0
            if self.folder is not None:
                save_weights(self.folder.best, self.learner, {"step": state.step, "validation": mean})
            self.best_weights = {name: value.clone() for name, value in self.learner.state_dict().items()}
        else:
            state.stale += 1

    def return_to_best(self) -> None:
        """After the last step: the learner gets the weights with the best validation."""
        if not self.state.done or self.state.best is None:
            return
        if self.best_weights is not None:
            self.learner.load_state_dict(self.best_weights)
        elif self.folder is not None and self.folder.best.exists():
            load_weights(self.folder.best, self.learner)
