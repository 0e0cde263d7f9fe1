"""The steps of the outer loop: sample, adapt, sample, step; validate, log, save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from innerloop.outer import Run, load_weights
from innerloop.outer._checkpoint import Progress, save_checkpoint, save_weights
from innerloop.outer._loop import Settings
from innerloop.outer._progress import ProgressLine
from innerloop.rl._algorithm import Algorithm
from innerloop.rl._course import Sampling, When
from innerloop.rl._environments import Environments
from innerloop.rl._evaluate import evaluate_policy
from innerloop.rl._tensor_environments import TensorEnvironments


@dataclass
class Loop:
    """What one training holds, and how far it has come."""

    learner: Any
    environments: Environments
    validation: Environments | None
    validation_rounds: int
    algorithm: Algorithm
    optimiser: Optimizer
    settings: Settings
    sampling: Sampling
    folder: Run | None
    state: Progress
    environment_steps: int
    best_weights: dict[str, Tensor] | None = None

    def run(self, line: ProgressLine, stop: Callable[[], bool], checkpoint_seconds: float) -> None:
        """Steps, validates and saves until the end or a request to stop."""
        state, settings = self.state, self.settings
        saved = clock = time.perf_counter()
        saved_step = state.step
        while state.step < settings.steps and not stop():
            said = self.step()
            state.step += 1
            now = time.perf_counter()
            state.seconds, clock = state.seconds + now - clock, now
            self.log(**said)
            line.update(state.step, said["loss"])
            if state.step % settings.validate_every == 0 or state.step == settings.steps:
                self.validate(line)
            state.done = state.step == settings.steps
            now = time.perf_counter()
            state.seconds, clock = state.seconds + now - clock, now
            if state.done or now - saved >= checkpoint_seconds:
                self.save()
                saved, saved_step = now, state.step
        if state.step > saved_step:
            self.save()

    def step(self) -> dict[str, float]:
        """One course on new tasks, and one outer step on it."""
        at, count = self.state.step, self.settings.tasks_per_step
        indices = torch.arange(at * count, (at + 1) * count)
        learner, when = self.learner.train(), When(self.settings.seed, at)
        course = list(learner.course(self.environments, indices, when, self.algorithm.rounds, self.sampling))
        said = self.algorithm.update(learner, self.optimiser, course, self.sampling)
        free = isinstance(self.environments, TensorEnvironments)
        self.environment_steps += sum(done.episodes.steps for done in course)
        return {
            **said,
            "before": float(course[0].episodes.returns.mean()),
            "after": float(course[-1].episodes.returns.mean()),
            # free where it is a formula; a simulator would have to run
            **({"still": float(self.environments.still(indices).mean())} if free else {}),
        }

    def validate(self, line: ProgressLine) -> None:
        """Judges the learner by its return after adaptation, and keeps the best weights."""
        if self.validation is None:
            return
        learner, count = self.learner, self.settings.validation_tasks
        found = evaluate_policy(learner, self.validation, count, rounds=self.validation_rounds, sampling=self.sampling)
        state, (mean, half) = self.state, found.curve[-1]
        if math.isfinite(mean) and (state.best is None or mean > state.best):
            state.best, state.best_step, state.stale = mean, state.step, 0
            if self.folder is not None:
                save_weights(self.folder.best, learner, {"step": state.step, "validation": mean})
            self.best_weights = {name: value.clone() for name, value in learner.state_dict().items()}
        else:
            state.stale += 1
        before = found.curve[0].mean
        self.log(validation=mean, half=half, metric="return", validation_before=before, still=float(found.still.mean()))
        line.validated(state.step, f"validation return {before:.4g} -> {mean:.4g} ± {half:.2g}")

    def log(self, **entry: Any) -> None:
        """Adds a line to the run's log, over environment steps."""
        if self.folder is not None:
            at = {"step": self.state.step, "seconds": round(self.state.seconds, 3)}
            self.folder.log(**at, environment_steps=self.environment_steps, **entry)

    def save(self) -> None:
        """Writes the checkpoint to go on from."""
        if self.folder is not None:
            save_checkpoint(self.folder.last, self.learner, self.optimiser, None, self.state)

    def keep_best(self) -> None:
        """After the last step: the weights with the best validation."""
        if not self.state.done or self.state.best is None:
            return
        if self.best_weights is not None:
            self.learner.load_state_dict(self.best_weights)
        elif self.folder is not None and self.folder.best.exists():
            load_weights(self.folder.best, self.learner)
