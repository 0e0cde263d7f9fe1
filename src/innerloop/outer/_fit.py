"""The outer loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from innerloop.counter import seed_of
from innerloop.errors import ConfigurationError, TrainingError
from innerloop.evaluation import evaluate
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.outer._checkpoint import (
    Progress,
    description,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from innerloop.outer._interrupt import stop_on_interrupt
from innerloop.outer._progress import ProgressLine
from innerloop.outer._run import Run, provenance
from innerloop.outer._verify import verify
from innerloop.task import Task


class Source(Protocol):
    """What the outer loop needs of a task source."""

    def batch(self, indices: Tensor) -> Task:
        """The tasks numbered `indices`."""

    def describe(self) -> dict[str, Any]:
        """What the tasks are."""


@dataclass(frozen=True)
class Fit:
    """What training did.

    Attributes:
        steps: outer steps done.
        seconds: training time, validation and checkpoints included, over all sessions.
        best_step: outer step of the weights that the learner has now.
        best: validation metric there; None without validation.
        interrupted: stopped by Ctrl-C before the end.
    """

    steps: int
    seconds: float
    best_step: int
    best: float | None
    interrupted: bool


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

    def __post_init__(self) -> None:
        for name in ("steps", "tasks_per_step", "validate_every", "validation_tasks"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1; got {getattr(self, name)}.")
        if self.patience is not None and self.patience < 1:
            raise ConfigurationError(f"patience must be at least 1 validation, or None; got {self.patience}.")
        if self.clip is not None and not self.clip > 0:
            raise ConfigurationError(f"clip must be a positive norm or None; got {self.clip}.")


def fit(
    learner: Learner,
    source: Source,
    *,
    steps: int,
    validation: Source | None = None,
    tasks_per_step: int = 4,
    optimiser: Callable[[Iterable[nn.Parameter]], Optimizer] | Optimizer | None = None,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    clip: float | None = 10.0,
    validate_every: int | None = None,
    validation_tasks: int = 200,
    patience: int | None = None,
    seed: int = 0,
    run: str | Path | Run | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    config: dict[str, Any] | None = None,
    progress: bool = True,
) -> Fit:
    """Meta-trains a learner; afterwards it has the weights with the best validation.

    Step `s` trains on the tasks `s * tasks_per_step, ...` of the source, and all randomness inside the learner is a
    function of (seed, s): a run that was interrupted and resumed equals one that was not, bit for bit on a CPU.

    Args:
        learner: any learner, on the device to train on.
        source: the training split.
        steps: outer steps.
        validation: a split for choosing the best weights; None: the last weights are kept.
        tasks_per_step: tasks averaged in an outer step (the meta-batch).
        optimiser: from parameters to a `torch.optim` optimiser, or one; None: Adam with rate 1e-3, as in MAML.
        scheduler: from the optimiser to a scheduler, stepped once an outer step.
        clip: largest norm of the meta-gradient; None: no clipping.
        validate_every: outer steps between validations; None: ten times in all.
        validation_tasks: tasks of a validation, always the same ones.
        patience: stop after so many validations without a new best; None: never.
        seed: of the randomness inside the learner.
        run: folder for checkpoints and logs; None: nothing is written.
        resume: go on from the last checkpoint of `run`, if there is one.
        checkpoint_seconds: time between checkpoints.
        config: plain values to keep in the run's `config.json`.
        progress: show progress on stderr.

    Raises:
        ConfigurationError: for settings that cannot work, or a run folder that is taken.
        DataError: for tasks that hold NaN, or show the query set in the support set.
        TrainingError: for a loss that is not finite, or an adaptation that changes nothing.
        CheckpointError: if `resume` finds a damaged checkpoint.

    Returns:
        What training did; the learner itself is changed in place.
    """
    every = max(1, steps // 10) if validate_every is None else validate_every
    settings = Settings(steps, tasks_per_step, clip, every, validation_tasks, patience, seed)
    if not checkpoint_seconds >= 0:
        raise ConfigurationError(f"checkpoint_seconds must be a number of seconds from 0; got {checkpoint_seconds}.")
    parameters = [p for p in learner.parameters() if p.requires_grad]
    if not parameters:
        raise ConfigurationError(f"{learner.name} has no parameters to train: evaluate it as it is.")
    if optimiser is None:
        optimiser = torch.optim.Adam(parameters, lr=1e-3)
    elif not isinstance(optimiser, Optimizer):
        optimiser = optimiser(parameters)
    schedule = scheduler(optimiser) if scheduler else None
    folder = Run(run) if isinstance(run, str | Path) else run
    train = learner.training_source(source)
    device = parameters[0].device
    state = Progress()
    mapping = learner.mapping_for(train.batch(torch.arange(tasks_per_step)))
    begun = _config(learner, train, validation, settings, optimiser, schedule, mapping, config)
    if folder is not None:
        description(optimiser, schedule, state)  # what cannot be saved is refused now, not at the first checkpoint
        if folder.exists:
            folder.start(begun, resume)
            # another mapping gives other last bits: go on with the one that the run was begun with
            mapping = folder.mapping()
            state = load_checkpoint(folder.last, learner, optimiser, schedule)
            folder.forget_after(state.step)
    loop = _Loop(learner, train, validation, settings, optimiser, schedule, folder, state, device, mapping)
    with ProgressLine(learner.name, steps, state.step, tasks_per_step, progress) as line, stop_on_interrupt() as stop:
        if state.step == 0:
            verify(learner, loop.tasks(0))
            if folder is not None:
                folder.start(begun, resume)  # after the checks, so that bad data leave no folder behind
            line.say(f"{learner.name}: mapping {mapping} ({mapping.reason}), norm {learner.norm}")
        loop.run(line, lambda: stop.asked, checkpoint_seconds)
    if stop.asked and not state.done and folder is not None:
        at = f"after step {state.step:,} and saved" if state.step else "before the first step"
        line.say(f"Stopped {at}; go on with resume=True (--resume) and the run folder {folder.folder}.")
    loop.keep_best()
    return Fit(state.step, round(state.seconds, 2), state.best_step or state.step, state.best, not state.done)


class _Loop:
    def __init__(
        self,
        learner: Learner,
        train: Source,
        validation: Source | None,
        settings: Settings,
        optimiser: Optimizer,
        schedule: LRScheduler | None,
        folder: Run | None,
        state: Progress,
        device: torch.device,
        mapping: Mapping,
    ):
        self.learner, self.train, self.validation, self.settings = learner, train, validation, settings
        self.optimiser, self.schedule, self.folder, self.state = optimiser, schedule, folder, state
        self.device, self.mapping = device, mapping
        self.best_weights: dict[str, Tensor] | None = None

    def tasks(self, step: int) -> Task:
        count = self.settings.tasks_per_step
        found = self.train.batch(torch.arange(step * count, (step + 1) * count))
        return found if self.device.type == "cpu" else found.map(lambda leaf: leaf.to(self.device))

    def run(self, line: ProgressLine, stop: Callable[[], bool], checkpoint_seconds: float) -> None:
        state, settings = self.state, self.settings
        log_every = max(1, settings.steps // 200)
        saved = clock = time.perf_counter()
        while state.step < settings.steps and not state.done and not stop():
            loss = self.step()
            state.step += 1
            state.loss_sum, state.loss_count = state.loss_sum + loss, state.loss_count + 1
            now = time.perf_counter()
            state.seconds, clock = state.seconds + now - clock, now
            if state.step % log_every == 0:
                mean = state.loss_sum / state.loss_count
                line.update(state.step, mean)
                self.log(loss=mean)
                state.loss_sum, state.loss_count = 0.0, 0
            if self.validation is not None and (
                state.step % settings.validate_every == 0 or state.step == settings.steps
            ):
                self.validate(line)
            state.done = state.done or state.step == settings.steps
            now = time.perf_counter()
            state.seconds, clock = state.seconds + now - clock, now
            if self.folder is not None and (state.done or stop() or now - saved >= checkpoint_seconds):
                self.save()
                saved = now
        # a request that came before the first step of this session leaves the checkpoint as it was

    def step(self) -> float:
        # what is random in the learner depends on (seed, step) and leaves the user's generator alone
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed_of(self.settings.seed, self.state.step))
            self.learner.train()
            own, self.learner.mapping = self.learner.mapping, self.mapping
            try:
                outcome = self.learner(self.tasks(self.state.step))
            finally:
                self.learner.mapping = own
        loss = float(outcome.loss.item())
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {self.state.step}. Lower the inner or outer learning rate, or clip "
                "harder; a checkpoint that was written before is intact."
            )
        self.optimiser.zero_grad()
        outcome.loss.backward()
        limit = float("inf") if self.settings.clip is None else self.settings.clip
        norm = float(nn.utils.clip_grad_norm_(self.learner.parameters(), limit))
        if not math.isfinite(norm):
            # the step would spoil every parameter, and a checkpoint after it would be worthless
            raise TrainingError(
                f"The meta-gradient's norm became {norm} at step {self.state.step}. Lower the inner learning rate or "
                "take fewer inner steps; a checkpoint that was written before is intact."
            )
        self.optimiser.step()
        if self.schedule is not None:
            self.schedule.step()
        return loss

    def validate(self, line: ProgressLine) -> None:
        assert self.validation is not None
        state = self.state
        found = evaluate(self.learner, self.validation, self.settings.validation_tasks)
        mean, half = found.interval
        better = math.isfinite(mean) and (  # a learner that diverged is never the best
            state.best is None or (mean > state.best if found.higher_is_better else mean < state.best)
        )
        if better:
            state.best, state.best_step, state.stale = mean, state.step, 0
            if self.folder is not None:
                save_weights(self.folder.best, self.learner, {"step": state.step, "validation": mean})
            self.best_weights = {name: value.clone() for name, value in self.learner.state_dict().items()}
        else:
            state.stale += 1
        self.log(validation=mean, half=half, metric=found.metric)
        number = f"{100 * mean:.1f} % ± {100 * half:.1f}" if found.higher_is_better else f"{mean:.4g} ± {half:.2g}"
        line.validated(state.step, f"validation {number}")
        if self.settings.patience is not None and state.stale >= self.settings.patience:
            state.done = True

    def log(self, **entry: Any) -> None:
        if self.folder is not None:
            self.folder.log(step=self.state.step, seconds=round(self.state.seconds, 3), **entry)

    def save(self) -> None:
        assert self.folder is not None
        save_checkpoint(self.folder.last, self.learner, self.optimiser, self.schedule, self.state)

    def keep_best(self) -> None:
        if not self.state.done or self.state.best is None:
            return
        if self.best_weights is not None:
            self.learner.load_state_dict(self.best_weights)
        elif self.folder is not None and self.folder.best.exists():
            load_weights(self.folder.best, self.learner)


def _config(
    learner: Learner,
    train: Source,
    validation: Source | None,
    settings: Settings,
    optimiser: Optimizer,
    schedule: LRScheduler | None,
    mapping: Mapping,
    config: dict[str, Any] | None,
) -> dict[str, Any]:
    group = {
        k: v
        for k, v in optimiser.param_groups[0].items()
        if k not in ("params", "initial_lr") and isinstance(v, int | float | list | str | bool)
    }
    if schedule is not None:
        group["lr"] = optimiser.param_groups[0]["initial_lr"]
    return {
        "settings": {
            **asdict(settings),
            "learner": learner.spec or learner.name,
            "norm": learner.norm,
            "train": train.describe(),
            "validation": validation.describe() if validation is not None else None,
            "optimiser": {"name": type(optimiser).__name__, **group},
            "scheduler": type(schedule).__name__ if schedule is not None else None,
        },
        "name": learner.name,
        "family": learner.family,
        "mapping": mapping.to_json(),
        "provenance": provenance(),
        **(config or {}),
    }
