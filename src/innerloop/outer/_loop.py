"""The outer loop's steps: train, validate, log, save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, TrainingError
from innerloop.evaluation import Evaluation
from innerloop.evaluation import _words as words
from innerloop.outer._group import Group
from innerloop.outer._meta_loss import MetaLoss
from innerloop.outer._progress import ProgressLine
from innerloop.outer._record import Record
from innerloop.outer._validation import Judge, validate
from innerloop.task import Source


@dataclass(frozen=True)
class Settings:
    """Everything that decides the numbers of a run, apart from learner, source and optimiser."""

    steps: int
    tasks_per_step: int
    clip: float | None
    validate_every: int
    validation_tasks: int
    patience: int | None
    seed: int
    validate_start: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "tasks_per_step", "validate_every", "validation_tasks"):
            at_least(name, getattr(self, name), 1)
        if self.patience is not None:
            at_least("patience", self.patience, 1, "None to train to the end")
        if self.clip is not None and not self.clip > 0:  # it may be infinite
            raise ConfigurationError(f"clip must be a positive norm or None; got {self.clip}. Try 10.")


class Loop:
    """What one training holds: learner, tasks, optimiser, and the record of how far it has come."""

    def __init__(
        self, record: Record, meta_loss: MetaLoss, validation: Source | Judge | None, settings: Settings, group: Group
    ):
        self.record, self.state = record, record.state
        self.validation, self.settings, self.group = validation, settings, group
        self.meta_loss = group.data_parallel(meta_loss, settings.tasks_per_step)

    def run(self, line: ProgressLine, stop: Callable[[], bool], checkpoint_seconds: float) -> None:
        """Steps, validates and saves until the end or a request to stop."""
        state, settings = self.state, self.settings
        log_every = max(1, settings.steps // 200)
        saved = clock = time.perf_counter()
        saved_step = state.step
        if settings.validate_start and not state.step and (found := self.validate()) is not None:
            with self.group.together():
                self.judge(found, line)
        while state.step < settings.steps and not state.done and not self.group.any(stop()):
            loss = self.step()
            state.step += 1
            state.loss_sum, state.loss_count = state.loss_sum + loss, state.loss_count + 1
            now = time.perf_counter()
            state.seconds, clock = state.seconds + now - clock, now
            due = state.step % settings.validate_every == 0 or state.step == settings.steps
            found = self.validate() if due else None
            with self.group.together():  # the disk of the one rank that writes may be full
                if state.step % log_every == 0:
                    mean = state.loss_sum / state.loss_count
                    line.update(state.step, mean)
                    self.record.log(loss=mean)
                    state.loss_sum, state.loss_count = 0.0, 0
                if found is not None:
                    self.judge(found, line)
                state.done = state.done or state.step == settings.steps
                now = time.perf_counter()
                state.seconds, clock = state.seconds + now - clock, now
                if state.done or now - saved >= checkpoint_seconds:
                    self.record.save()
                    saved, saved_step = now, state.step
        if state.step > saved_step:  # a request that came before the first step leaves the checkpoint as it was
            with self.group.together():
                self.record.save()

    def step(self) -> float:
        meta_loss = self.meta_loss(self.state.step)
        loss = float(meta_loss.item())
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {self.state.step}. Lower the inner or outer learning rate, or clip "
                "harder; a checkpoint that was written before is intact."
            )
        optimiser, schedule = self.record.optimiser, self.record.schedule
        optimiser.zero_grad()
        meta_loss.backward()
        limit = float("inf") if self.settings.clip is None else self.settings.clip
        norm = float(nn.utils.clip_grad_norm_(self.record.learner.parameters(), limit))
        if not math.isfinite(norm):
            # the step would spoil every parameter, and a checkpoint after it would be worthless
            raise TrainingError(
                f"The meta-gradient's norm became {norm} at step {self.state.step}. Lower the inner learning rate or "
                "take fewer inner steps; a checkpoint that was written before is intact."
            )
        optimiser.step()
        if schedule is not None:
            schedule.step()
        return loss

    def validate(self) -> Evaluation | None:
        if self.validation is None:
            return None
        return validate(self.record.learner, self.validation, self.settings.validation_tasks, self.group)

    def judge(self, found: Evaluation, line: ProgressLine) -> None:
        mean, half = found.interval
        self.record.judge(mean, found.higher_is_better)
        self.record.log(validation=mean, half=half, metric=found.metric)
        line.validated(self.state.step, f"validation {words.result(found.interval, found.higher_is_better)}")
        if self.settings.patience is not None and self.state.stale >= self.settings.patience:
            self.state.done = True
