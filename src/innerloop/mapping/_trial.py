"""A short measured trial: which mapping is the fastest for this learner, on tasks of this shape, on this device."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.mapping._buffers import untouched
from innerloop.mapping._choose import CHUNK
from innerloop.mapping._fallback import is_own, reason_of
from innerloop.mapping._layout import has_pictures
from innerloop.mapping._mapping import Mapping
from innerloop.mapping._memory import MB
from innerloop.task import Task, number_of_tasks, take

Attempt = Callable[[Mapping, Task, float], object]
"""Runs one meta-gradient under a mapping, strictly, capturing for so many seconds at most."""

SECONDS, SHARE = 15.0, 0.1
"""A trial takes no longer than this, and no more than this share of the training to come."""

BETTER = 0.9
"""Share of the time of a simpler mapping below which a more elaborate one is worth it: less is noise."""

HOPELESS = 3.0
"""A mapping so many times slower than the best is not timed again, nor captured."""

LOOPED = 4
"""Tasks on which a loop is timed: it takes as many times longer for more."""

REPEATS = 3


def settle(
    rule: Mapping,
    asked: Mapping | None,
    attempt: Attempt,
    within: Callable[[Mapping], Mapping],
    tasks: Task,
    module: nn.Module,
    *,
    steps: int,
    chunk: int | None = None,
    memory: int | None = None,
) -> Mapping:
    """The mapping to train with, and in its `reason` why.

    Args:
        rule: what the rule picks.
        asked: what to take if it is possible; None: the fastest in a trial that begins with `rule`.
        attempt: runs one meta-gradient.
        within: makes chunks small enough for the ceiling of a mapping.
        tasks: a batch as it will come.
        module: what is trained, for naming reasons.
        steps: how many such batches are to come.
        chunk: the most tasks in flight.
        memory: the most bytes of a step.
    """
    trial = _Trial(attempt, within, tasks, module, chunk, memory)
    with untouched(module), torch.enable_grad():
        return trial.fastest(rule, steps) if asked is None else trial.possible(asked)


@dataclass(frozen=True)
class _Timed:
    mapping: Mapping
    seconds: float  # a task


class _Trial:
    def __init__(
        self,
        attempt: Attempt,
        within: Callable[[Mapping], Mapping],
        tasks: Task,
        module: nn.Module,
        chunk: int | None,
        memory: int | None,
    ):
        self.attempt, self.within, self.tasks, self.chunk, self.memory = attempt, within, tasks, chunk, memory
        self.module, self.count = module, number_of_tasks(tasks)
        self.timed: list[_Timed] = []
        self.failed: list[str] = []
        self.end = float("inf")

    def possible(self, asked: Mapping) -> Mapping:
        """`asked`, or the next simpler mapping that works."""
        mapping = asked
        while True:
            try:
                limited = self._limited(mapping)
                self.attempt(limited, self._part(limited), float("inf"))
                return replace(limited, memory=None, threads=limited.threads or torch.get_num_threads())
            except Exception as error:
                simpler = None if is_own(error) else mapping.simpler(reason_of(error, self.module))
                if simpler is None:
                    raise
            mapping = simpler

    def fastest(self, rule: Mapping, steps: int) -> Mapping:
        """The fastest of what the rule picks, the other eager mappings, and the graph of what is best then."""
        begun = time.monotonic()
        first = self._time(rule)
        if first is None:  # the rule does not know everything: whatever is simpler must do
            first = self._time(replace(rule, vectorise=False, chunk=None), strict=True)
        assert first is not None
        self.end = begun + min(SECONDS, SHARE * steps * self.count * first.seconds)
        if rule.vectorise:
            self._time(replace(rule, vectorise=False, chunk=None))
            if rule.chunk is None and self.count > 2 * CHUNK:
                self._time(replace(rule, chunk=CHUNK))
            elif rule.chunk is not None and self.count > rule.chunk and self.tasks.index.device.type != "cpu":
                self._time(replace(rule, chunk=None))
        if self.tasks.index.device.type == "cpu" and has_pictures(self.tasks):
            self._time(replace(rule, vectorise=False, chunk=None, channels_last=True))
        best = self._best()
        for eager in dict.fromkeys(each.mapping for each in [best, *self.timed]):
            if self._seconds(eager) < HOPELESS * best.seconds and (eager == best.mapping or not eager.vectorise):
                self._time(replace(eager, graph="captured"))
        threads = torch.get_num_threads()
        if threads > 1 and self.tasks.index.device.type == "cpu":
            self._time(replace(self._best().mapping, threads=1))
        found = self._best().mapping
        return replace(found, reason=self._reason(rule), memory=None, threads=found.threads or threads)

    def _limited(self, mapping: Mapping) -> Mapping:
        if self.chunk is not None and mapping.vectorise:
            mapping = replace(mapping, chunk=min(self.chunk, mapping.chunk or self.chunk))
        if self.memory is not None:
            mapping = replace(mapping, memory=self.memory)
        return self.within(mapping) if mapping.memory is not None else mapping

    def _part(self, mapping: Mapping) -> Task:
        return take(self.tasks, slice(0, (mapping.chunk or self.count) if mapping.vectorise else LOOPED))

    def _time(self, mapping: Mapping, strict: bool = False) -> _Timed | None:
        left = self.end - time.monotonic()
        if left <= 0:
            return None
        try:
            mapping = self._limited(mapping)
            if any(mapping == each.mapping for each in self.timed):
                return None
            found = _Timed(mapping, self._measure(mapping, left))
        except Exception as error:
            if strict or (is_own(error) and not isinstance(error, ConfigurationError)):
                raise
            self.failed.append(f"{mapping} is not possible: {reason_of(error, self.module)}")
            return None
        self.timed.append(found)
        return found

    def _measure(self, mapping: Mapping, left: float) -> float:
        part = self._part(mapping)
        count = number_of_tasks(part)
        threads = torch.get_num_threads()
        if mapping.threads is not None:
            torch.set_num_threads(mapping.threads)
        try:
            # the first run warms up, and captures
            first = self._clock(mapping, part, left)
            if self.timed and mapping.graph == "eager" and first > HOPELESS * self._best().seconds * count:
                return first / count
            runs = []
            for _ in range(REPEATS):
                runs.append(self._clock(mapping, part, left))
                if time.monotonic() > self.end:
                    break
            return min(runs) / count
        finally:
            torch.set_num_threads(threads)

    def _clock(self, mapping: Mapping, part: Task, left: float) -> float:
        accelerated = part.index.device.type != "cpu"
        if accelerated:
            torch.accelerator.synchronize(part.index.device)
        start = time.perf_counter()
        self.attempt(mapping, part, left)
        if accelerated:
            torch.accelerator.synchronize(part.index.device)
        return time.perf_counter() - start

    def _seconds(self, mapping: Mapping) -> float:
        return next(each.seconds for each in self.timed if each.mapping == mapping)

    def _best(self) -> _Timed:
        best = self.timed[0]
        for each in self.timed[1:]:
            if each.seconds < BETTER * best.seconds:
                best = each
        return best

    def _reason(self, rule: Mapping) -> str:
        timed = ", ".join(
            f"{each.mapping}{' on 1 thread' if each.mapping.threads == 1 else ''} {1000 * each.seconds:.3g}"
            for each in self.timed
        )
        limit = [f"within {self.memory / MB:,.0f} MB"] if self.memory is not None else []
        return "; ".join([rule.reason, f"measured, ms a task: {timed}", *limit, *self.failed])
