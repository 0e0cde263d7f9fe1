"""`fit`: sets up the outer loop, or picks it up where it was left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from innerloop.errors import ConfigurationError
from innerloop.learner import Learner
from innerloop.losses import name_of
from innerloop.mapping import Mapping
from innerloop.outer._checkpoint import Progress, description, load_checkpoint
from innerloop.outer._distributed import join
from innerloop.outer._interrupt import stop_on_interrupt
from innerloop.outer._loop import Loop, Settings
from innerloop.outer._meta_loss import MetaLoss
from innerloop.outer._progress import ProgressLine
from innerloop.outer._record import Record
from innerloop.outer._run import Run, provenance
from innerloop.outer._validation import Judge
from innerloop.outer._verify import verify
from innerloop.task import Source


@dataclass(frozen=True)
class Fit:
    """What training did.

    Attributes:
        steps: outer steps done.
        seconds: training time, validation and checkpoints included, interruptions left out.
        best_step: outer step of the weights that the learner has now: the best ones, or the last ones without
            validation and after an interruption.
        best: validation metric there; None where those weights have not been validated.
        interrupted: stopped by Ctrl-C before the end.
    """

    steps: int
    seconds: float
    best_step: int
    best: float | None
    interrupted: bool


def fit(
    learner: Learner,
    source: Source,
    *,
    steps: int,
    validation: Source | Judge | None = None,
    tasks_per_step: int = 4,
    optimiser: Callable[[Iterable[nn.Parameter]], Optimizer] | Optimizer | None = None,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    clip: float | None = 10.0,
    validate_every: int | None = None,
    validation_tasks: int = 200,
    patience: int | None = None,
    validate_start: bool = False,
    seed: int = 0,
    run: str | Path | Run | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    config: dict[str, Any] | None = None,
    progress: bool = True,
    mapping: Mapping | str = "auto",
    chunk: int | None = None,
    memory: int | None = None,
) -> Fit:
    """Meta-trains a learner; afterwards it has the weights with the best validation.

    Step `s` trains on the tasks `s * tasks_per_step, ...` of the source, and all randomness inside the learner is a
    function of (seed, s, task): a run that was interrupted and resumed equals one that was not, bit for bit on a CPU.

    In processes that torchrun started, each takes its share of a step's tasks; see docs/distributed.md.

    How tasks are mapped is decided at the first step, by a short trial that leaves no trace in the learner; the choice
    is said, written into the run, and kept when it is resumed. Two runs that should agree in their last bits need the
    same mapping: name one.

    Args:
        learner: any learner, on the device to train on.
        source: the training split.
        steps: outer steps.
        validation: a split for choosing the best weights, or whoever judges the learner (`judge(learner)` gives an
            `Evaluation`, and `describe()` plain values); None: the last weights are kept.
        tasks_per_step: tasks averaged in an outer step (the meta-batch).
        optimiser: from parameters to a `torch.optim` optimiser, or one; None: Adam with rate 1e-3, as in MAML.
        scheduler: from the optimiser to a scheduler, stepped once an outer step.
        clip: largest norm of the meta-gradient; None: no clipping.
        validate_every: outer steps between validations; None: ten times in all.
        validation_tasks: tasks of a validation, always the same ones.
        patience: stop after so many validations without a new best; None: never.
        validate_start: also validate before the first step, so that a start which training makes no better is kept.
        seed: of the randomness inside the learner.
        run: folder for checkpoints and logs; None: nothing is written.
        resume: go on from the last checkpoint of `run`, if there is one.
        checkpoint_seconds: time between checkpoints.
        config: plain values to keep in the run's `config.json`.
        progress: show progress on stderr.
        mapping: "auto" for a trial, "loop", "vmap", "captured", "compiled", or a `Mapping`; one that is not possible
            is replaced by the next simpler one, with the reason in the log. `learner.mapping`, if set, comes first.
        chunk: the most tasks in flight; memory grows with it. None: as many as is fast.
        memory: bytes that the tensors of a step may take (see `innerloop.mapping.memory_need`); chunks are made
            small enough for it.

    Raises:
        ConfigurationError: for settings that cannot work, or a run folder that is taken.
        DataError: for tasks that hold NaN, or show the query set in the support set.
        TrainingError: for a loss that is not finite, or an adaptation that changes nothing.
        CheckpointError: if `resume` finds a damaged checkpoint.

    Returns:
        What training did; the learner itself is changed in place.
    """
    every = max(1, steps // 10) if validate_every is None else validate_every
    asked = asked_mapping(learner, mapping, chunk, memory)
    settings = Settings(steps, tasks_per_step, clip, every, validation_tasks, patience, seed, validate_start)
    if not checkpoint_seconds >= 0:  # it may be infinite
        raise ConfigurationError(f"checkpoint_seconds must be a number from 0; got {checkpoint_seconds}. Try 30.")
    parameters = [p for p in learner.parameters() if p.requires_grad]
    if not parameters:
        raise ConfigurationError(f"{learner.name} has no parameters to train: evaluate it as it is.")
    group = join(learner)
    if optimiser is None:
        optimiser = torch.optim.Adam(parameters, lr=1e-3)
    elif not isinstance(optimiser, Optimizer):
        optimiser = optimiser(parameters)
    schedule = scheduler(optimiser) if scheduler else None
    folder = Run(run) if isinstance(run, str | Path) else run
    folder = folder if group.leads else None  # the others write nothing
    train = learner.training_source(source)
    begun = _config(learner, train, validation, settings, optimiser, schedule, group.world, config)

    def pick_up() -> tuple[Progress, Mapping | None]:
        if folder is None:
            return Progress(), None
        description(optimiser, schedule, Progress())  # what cannot be saved is refused now, not at the first checkpoint
        if not folder.exists:
            return Progress(), None
        folder.start(begun, resume)
        # another mapping gives other last bits: go on with the one that the run was begun with
        as_begun = folder.mapping()
        state = load_checkpoint(folder.last, learner, optimiser, schedule)
        folder.forget_after(state.step)
        return state, as_begun

    state, settled = group.on_lead(pick_up)
    group.equalise(learner, optimiser, schedule)
    meta_loss = MetaLoss(learner, train, tasks_per_step, seed, group, steps)
    shown = progress and group.leads
    with ProgressLine(learner.name, steps, state.step, tasks_per_step, shown) as line, stop_on_interrupt() as stop:
        if settled is None:
            with group.together():
                _, first = meta_loss.tasks(0)
                verify(learner, first)
            settled = group.on_lead(
                lambda: learner.settle_mapping(first, asked, steps=steps, chunk=chunk, memory=memory)
            )
            with group.together():
                if folder is not None:
                    # after the checks, so that bad data leave no folder behind
                    folder.start(begun | {"mapping": settled.to_json()}, resume)
            line.say(f"{learner.name}: mapping {settled} ({settled.reason}), norm {learner.norm}")
        meta_loss.mapping = settled
        record = Record(learner, optimiser, schedule, folder, state)
        loop = Loop(record, meta_loss, validation, settings, group)
        with with_threads(settled.threads):
            loop.run(line, lambda: stop.asked, checkpoint_seconds)
    if not state.done and folder is not None:
        at = f"after step {state.step:,} and saved" if state.step else "before the first step"
        line.say(f"Stopped {at}; go on with resume=True (--resume) and the run folder {folder.folder}.")
    group.on_lead(record.return_to_best)
    group.equalise(learner)
    seconds = group.on_lead(lambda: round(state.seconds, 2))
    if state.done and state.best is not None:
        return Fit(state.step, seconds, state.best_step, state.best, interrupted=False)
    # the learner has the last weights, which have been validated only if that was the best step too
    best = state.best if state.best_step == state.step else None
    return Fit(state.step, seconds, state.step, best, not state.done)


def asked_mapping(learner: Learner, mapping: Mapping | str, chunk: int | None, memory: int | None) -> Mapping | None:
    """The mapping that somebody named; None for a trial."""
    Mapping(vectorise=True, chunk=chunk, memory=memory)  # says so here if they cannot be
    if learner.mapping is not None:
        return learner.mapping
    if isinstance(mapping, Mapping):
        return mapping
    return None if mapping == "auto" else Mapping.named(mapping)


@contextmanager
def with_threads(count: int | None) -> Iterator[None]:
    """While it lasts, a CPU has so many threads; None: as many as before."""
    before = torch.get_num_threads()
    if count is not None and count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def _config(
    learner: Learner,
    train: Source,
    validation: Source | Judge | None,
    settings: Settings,
    optimiser: Optimizer,
    schedule: LRScheduler | None,
    processes: int,
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
            "loss": learner.loss and name_of(learner.loss),
            "train": train.describe(),
            "validation": validation.describe() if validation is not None else None,
            "optimiser": {"name": type(optimiser).__name__, **group},
            "scheduler": type(schedule).__name__ if schedule is not None else None,
        },
        "name": learner.name,
        "family": learner.family,
        "processes": processes,
        "provenance": provenance(),
        **(config or {}),
    }
