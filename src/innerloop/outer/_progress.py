"""What a person sees while training: one live line, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressLine:
    """Live progress of the outer loop.

    Args:
        name: what is being trained.
        steps: outer steps in all.
        done: steps that are already done.
        tasks_per_step: for the tasks per second.
        shown: False: print nothing.
    """

    def __init__(self, name: str, steps: int, done: int, tasks_per_step: int, shown: bool = True):
        self._console = Console(stderr=True, quiet=not shown, highlight=False)
        self._live = self._console.is_terminal and shown
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]} tasks/s  loss {task.fields[loss]}  {task.fields[validation]}"),
            console=self._console,
            disable=not self._live,
        )
        self._name, self._steps, self._begun = name, steps, done
        self._per_step = tasks_per_step
        self._start = time.perf_counter()
        self._task = self._bar.add_task(name, total=steps, completed=done, rate="-", loss="-", validation="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _rate(self, step: int) -> float:
        return (step - self._begun) * self._per_step / max(time.perf_counter() - self._start, 1e-9)

    def update(self, step: int, loss: float) -> None:
        """After `step` steps the recent training loss is `loss`."""
        if self._live:
            self._bar.update(self._task, completed=step, rate=f"{self._rate(step):.0f}", loss=f"{loss:.3f}")

    def validated(self, step: int, text: str) -> None:
        """A validation came out as `text`."""
        self._bar.update(self._task, validation=text)
        if not self._live:
            rate = self._rate(step)
            left = (self._steps - step) * self._per_step / rate if rate else float("nan")
            self.say(f"{self._name}  step {step:,} of {self._steps:,}  {rate:.0f} tasks/s  {left:.0f} s left  {text}")

    def say(self, text: str) -> None:
        """Prints a line."""
        self._console.print(text, soft_wrap=True)
