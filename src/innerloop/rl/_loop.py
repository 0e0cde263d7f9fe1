"""The steps of the outer loop: sample, adapt, sample, step; validate, log, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from innerloop.outer._loop import Settings
from innerloop.outer._progress import ProgressLine
from innerloop.outer._record import Record
from innerloop.rl._algorithm import Algorithm
from innerloop.rl._course import Sampling, When
from innerloop.rl._environments import Environments
from innerloop.rl._evaluate import evaluate_policy
from innerloop.rl._rates import cross_judged, evaluate_rates
from innerloop.rl._tensor_environments import TensorEnvironments
from innerloop.workers import Spent


@dataclass
class Loop:
    """What one training holds, and how far it has come."""

    record: Record
    learner: Any
    environments: Environments
    validation: Environments | None
    validation_rounds: int
    validation_rates: Sequence[float] | None
    algorithm: Algorithm
    settings: Settings
    sampling: Sampling
    environment_steps: int

    def run(self, line: ProgressLine, stop: Callable[[], bool], checkpoint_seconds: float) -> None:
        """Steps, validates and saves until the end or a request to stop."""
        state, settings = self.record.state, self.settings
        clock = Spent.now()
        saved, saved_step = clock.seconds, state.step
        while state.step < settings.steps and not stop():
            said = self.step()
            state.step += 1
            clock = self.count(clock)
            self.log(**said)
            line.update(state.step, said["loss"])
            if state.step % settings.validate_every == 0 or state.step == settings.steps:
                self.validate(line)
            state.done = state.step == settings.steps
            clock = self.count(clock)
            if state.done or clock.seconds - saved >= checkpoint_seconds:
                self.record.save()
                saved, saved_step = clock.seconds, state.step
        if state.step > saved_step:
            self.record.save()

    def count(self, before: Spent) -> Spent:
        """Adds what was spent since a reading of the clocks; returns the new one."""
        state, now = self.record.state, Spent.now()
        state.seconds += now.seconds - before.seconds
        state.cpu_seconds += now.cpu_seconds - before.cpu_seconds
        return now

    def step(self) -> dict[str, float]:
        """One course on new tasks, and one outer step on it."""
        at, count = self.record.state.step, self.settings.tasks_per_step
        indices = torch.arange(at * count, (at + 1) * count)
        learner, when = self.learner.train(), When(self.settings.seed, at)
        course = list(learner.course(self.environments, indices, when, self.algorithm.rounds, self.sampling))
        said = self.algorithm.update(learner, self.record.optimiser, course, self.sampling)
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
        if self.validation_rates is None:
            rounds = self.validation_rounds
            found = evaluate_policy(learner, self.validation, count, rounds=rounds, sampling=self.sampling)
        else:
            rates = self.validation_rates
            found = cross_judged(evaluate_rates(learner, self.validation, rates, count, sampling=self.sampling))
        mean, half = found.curve[-1]
        self.record.judge(mean, higher_is_better=True)
        before = found.curve[0].mean
        self.log(
            validation=mean, half=half, metric="return", validation_before=before, still=float(found.still.mean()),
            validation_values=found.values[-1].round(4).tolist(),
        )  # fmt: skip
        line.validated(self.record.state.step, f"validation return {before:.4g} -> {mean:.4g} ± {half:.2g}")

    def log(self, **entry: Any) -> None:
        """Adds a line to the run's log, over environment steps."""
        self.record.log(environment_steps=self.environment_steps, **entry)
