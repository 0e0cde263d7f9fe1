"""How long an outer step takes, from a short timed trial: schedules need the number of steps beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from innerloop.errors import ConfigurationError, closest
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.outer._checkpoint import Progress
from innerloop.outer._fit import asked_mapping, fit, with_threads
from innerloop.outer._group import Alone
from innerloop.outer._loop import Loop, Settings
from innerloop.outer._meta_loss import MetaLoss
from innerloop.outer._record import Record
from innerloop.outer._validation import validate
from innerloop.outer._verify import verify
from innerloop.task import Source

STEPS, LEAST = 40, 8
"""Most and fewest steps of a trial."""

_LONG = 10_000
"""Steps that the mapping is chosen for: many, since the training to come has many."""

_VALIDATIONS = 11
"""How often `innerloop.fit` validates if nobody says otherwise: every tenth of the steps, and after the last one."""


@dataclass(frozen=True)
class Pace:
    """How fast training is.

    Attributes:
        step: seconds of an outer step.
        validation: seconds of a validation; 0 where there is none.
        mapping: how tasks were mapped.
    """

    step: float
    validation: float
    mapping: Mapping

    def steps_in(self, seconds: float, validate_every: int | None = None) -> int:
        """How many outer steps fit into a training time, validations included.

        Args:
            seconds: the training time.
            validate_every: outer steps between validations; None: every tenth of the steps, as in `innerloop.fit`.

        Raises:
            ConfigurationError: if there is no time for one.

        >>> pace = Pace(step=0.1, validation=1.0, mapping=Mapping(vectorise=True))
        >>> pace.steps_in(60), pace.steps_in(60, validate_every=10)
        (490, 295)
        """
        if validate_every is None:
            steps = int((seconds - _VALIDATIONS * self.validation) / self.step)
        else:
            # the last step is followed by a validation, whatever its number
            steps = int((seconds - self.validation) / (self.step + self.validation / validate_every))
        if steps < 1:
            need = _VALIDATIONS * self.validation + self.step
            raise ConfigurationError(
                f"{seconds:.3g} s are too short: a step takes {self.step:.2g} s and the validations about "
                f"{need - self.step:.2g} s. Give it more time, or fewer validation_tasks."
            )
        return steps


def pace(
    learner: Learner,
    source: Source,
    *,
    seconds: float = 30.0,
    validation: Source | None = None,
    tasks_per_step: int = 4,
    optimiser: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    clip: float | None = 10.0,
    validation_tasks: int = 200,
    seed: int = 0,
    mapping: Mapping | str = "auto",
    chunk: int | None = None,
    memory: int | None = None,
    **others: Any,
) -> Pace:
    """Trains for a few steps and one short validation, with a clock beside it.

    The first quarter of the steps is left out: graphs are recorded and memory is taken in it. The median step and the
    quicker of two validations count, so that another program's moments on the machine do not cut the training short.
    What becomes dearer later in a training (second order after first, say) is not foreseen.

    Args:
        learner: a learner for this trial alone: it is trained by it.
        source: the training split.
        seconds: no step is begun after this time, but eight are taken in any case.
        validation: as for `innerloop.fit`, like all that follows; what else `fit` takes is passed over.
        tasks_per_step: tasks averaged in an outer step.
        optimiser: from parameters to an optimiser.
        scheduler: from the optimiser to a scheduler.
        clip: largest norm of the meta-gradient.
        validation_tasks: tasks of a validation; the trial takes 50 of them, three times.
        seed: of the randomness inside the learner.
        mapping: how tasks are mapped; "auto" for the trial of `innerloop.fit`.
        chunk: the most tasks in flight.
        memory: bytes of a step.
        **others: what else `fit` takes; not used.

    Raises:
        ConfigurationError: for a setting that `fit` does not take, or a learner that has nothing to train.
    """
    _demand_settings_of_fit(others)
    asked = asked_mapping(learner, mapping, chunk, memory)
    parameters = [p for p in learner.parameters() if p.requires_grad]
    if not parameters:
        raise ConfigurationError(f"{learner.name} has no parameters to train: evaluate it as it is.")
    made = optimiser(parameters) if optimiser is not None else torch.optim.Adam(parameters, lr=1e-3)
    group, train = Alone(), learner.training_source(source)
    meta_loss = MetaLoss(learner, train, tasks_per_step, seed, group, STEPS)
    _, first = meta_loss.tasks(0)
    verify(learner, first)
    settled = learner.settle_mapping(first, asked, steps=_LONG, chunk=chunk, memory=memory)
    meta_loss.mapping = settled
    settings = Settings(STEPS, tasks_per_step, clip, STEPS, validation_tasks, None, seed)
    record = Record(learner, made, scheduler(made) if scheduler else None, None, Progress())
    loop = Loop(record, meta_loss, validation, settings, group)
    with with_threads(settled.threads):
        times = _step_times(loop, seconds)
        validating = 0.0
        if validation is not None:
            few = min(50, validation_tasks)
            validate(learner, validation, few, group)  # the first one takes memory, as the first steps do
            timed = []
            for _ in range(2):
                start = time.perf_counter()
                validate(learner, validation, few, group)
                timed.append(time.perf_counter() - start)
            validating = min(timed) * validation_tasks / few
    return Pace(median(times[len(times) // 4 :]), validating, settled)


def _step_times(loop: Loop, seconds: float) -> list[float]:
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST or (len(times) < STEPS and time.perf_counter() < end):
        start = time.perf_counter()
        loop.step()
        loop.state.step += 1
        times.append(time.perf_counter() - start)
    return times


def _demand_settings_of_fit(others: dict[str, Any]) -> None:
    known = [*signature(fit).parameters]
    for name in others:
        if name not in known:
            raise ConfigurationError(f"{name!r} is a setting neither of pace nor of fit.{closest(name, known)}")
