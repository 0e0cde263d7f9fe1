"""The driver: checks that every implementation does the same work, then times them in turns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from innerloop.bench._child import Allocator, Child, WorkerError
from innerloop.bench._ratios import Row, with_ratios
from innerloop.bench._workloads import Workload
from innerloop.demands import at_least, positive
from innerloop.errors import ConfigurationError

TOLERANCE = 1e-9
"""The largest difference of meta-gradients in float64, relative to the largest entry. Rounding gives 1e-15."""

TURN_SECONDS = 0.05
"""A turn is one step, or as many as fill this time: a step of a millisecond alone would measure the caches that the
process before it has emptied."""

PAUSE_SECONDS = 0.02
"""Between turns: idle threads of the process before go on spinning for a moment."""

Comparison = Literal["all", "installed", "default", "kept"]

_ALLOCATORS: dict[Comparison, dict[bool, tuple[Allocator, ...]]] = {
    # by whether it is a peer
    "all": {True: ("default", "kept"), False: ("default", "kept")},
    "installed": {True: ("default",), False: ("kept",)},
    "default": {True: ("default",), False: ("default",)},
    "kept": {True: ("kept",), False: ("kept",)},
}


@dataclass(frozen=True)
class Settings:
    """What is measured, and for how long.

    Args:
        workloads: what is computed.
        rounds: turns of every row, at most.
        seconds: no round of a workload begins after this time.
        threads: of each process.
        device: "cpu" or "cuda".
        allocator: "installed": peers with the C library as it is, ours with large blocks kept; "default" and "kept":
            all with the one or the other; "all": everything both ways.
        quick: with a rough measurement of the machine's peak.
        only: implementations to measure; none named: all.

    Raises:
        ConfigurationError: for numbers that make no sense.
    """

    workloads: Sequence[Workload]
    rounds: int = 15
    seconds: float = 120.0
    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"
    allocator: Comparison = "all"
    quick: bool = False
    only: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("rounds", "threads"):
            at_least(name, getattr(self, name), 1)
        positive("seconds", self.seconds, 120)
        if not self.workloads:
            raise ConfigurationError("There is nothing to measure: name at least one workload.")


def measure(
    settings: Settings, *, say: Callable[[str], None] = print, keep: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Measures every workload.

    Args:
        settings: what and how long.
        say: takes a line of progress.
        keep: takes the result so far, after every workload.

    Returns:
        Plain values: the machine, its peak, and for every workload its rows.

    Raises:
        ConfigurationError: if a peer is not installed, or there is no such device.
    """
    job = {"threads": settings.threads, "device": settings.device, "quick": settings.quick}
    try:
        with Child(job) as clerk:
            about = clerk.ask("about")
    except WorkerError as error:
        raise ConfigurationError(str(error).removeprefix("ConfigurationError: ")) from None
    implementations = about.pop("implementations")
    known = [row["implementation"] for row in implementations]
    if unknown := [name for name in settings.only if name not in known]:
        raise ConfigurationError(f"There is no row {unknown[0]!r}; there are {', '.join(known)}.")
    if settings.only:
        implementations = [row for row in implementations if row["implementation"] in settings.only]
    result: dict[str, Any] = {
        "settings": {**vars(settings), "workloads": [workload.name for workload in settings.workloads]},
        **about,
        "workloads": [],
    }
    for workload in settings.workloads:
        say(f"{workload.name}: {workload.title}")
        result["workloads"].append(_workload(workload, settings, job, implementations, about["peak_flops"], say))
        if keep is not None:
            keep(result)
    return result


def _workload(
    workload: Workload,
    settings: Settings,
    job: dict[str, Any],
    implementations: list[dict[str, Any]],
    peak_flops: dict[str, float],
    say: Callable[[str], None],
) -> dict[str, Any]:
    values = dataclasses.asdict(workload)
    different = [row for row in implementations if _worth_a_row(row, workload, settings.device)]
    with Child(job) as clerk:
        work = clerk.ask("work", workload=values)
    rows = [
        {**row, "allocator": allocator}
        for row in _checked(job, values, different, say)
        # a GPU has an allocator of its own
        for allocator in (("default",) if settings.device == "cuda" else _ALLOCATORS[settings.allocator][row["peer"]])
    ]
    rows = with_ratios(_timed(job, values, rows, settings.rounds, settings.seconds, say))
    for row in rows:
        if "error" not in row:
            row["fraction_of_peak"] = work["flops"] / row["median_seconds"] / max(peak_flops.values())
            row["picked"] = row["implementation"] == work["picked"]
    return {**values, "title": workload.title, **work, "rows": rows}


def _worth_a_row(row: Row, workload: Workload, device: str) -> bool:
    if row["implementation"].startswith("compiled") and workload.filters and device == "cpu":
        return False  # compiling the unrolled convolutions takes longer than all the rest
    if row["implementation"].endswith("channels last") and not workload.filters:
        return False  # without pictures it is the loop
    # tasks that fill one chunk are the row without chunks; its processes would hold the same memory once more
    return row["chunk"] is None or int(row["chunk"]) < workload.tasks


def _checked(
    job: dict[str, Any], workload: dict[str, Any], rows: list[Row], say: Callable[[str], None]
) -> list[Row]:  # fmt: skip
    """The rows with their difference to the reference; with an "error" those that do other work."""
    found, clerk = [], Child(job)
    try:
        for row in rows:
            say(f"  {row['implementation']}: same gradient?")
            try:
                difference = clerk.ask("check", workload=workload, implementation=row["implementation"])["difference"]
            except WorkerError as error:
                found.append({**row, "error": str(error)})
                clerk.close()  # it may have died, or hold what was too much for it
                clerk = Child(job)
                continue
            # not `>`: a NaN is no agreement
            wrong = not difference <= TOLERANCE
            verdict = {"error": f"another meta-gradient: {difference:.1e} away in float64, not timed"} if wrong else {}
            found.append({**row, "difference": difference if isfinite(difference) else None, **verdict})
    finally:
        clerk.close()
    return found


def _timed(
    job: dict[str, Any],
    workload: dict[str, Any],
    rows: list[Row],
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Row]:
    """The rows with the seconds of a step in every round, and with the memory of their processes."""
    done = [dict(row) for row in rows]
    with ExitStack() as stack:
        children: dict[int, Child] = {}

        def ask(index: int, do: str, **arguments: Any) -> dict[str, Any]:
            try:
                return children[index].ask(do, **arguments)
            except WorkerError as error:  # this row is lost, the others go on
                done[index] = {**rows[index], "error": str(error)}
                children.pop(index).close()
                return {}

        for index, row in enumerate(rows):
            if "error" not in row:  # all processes start together, and wait until they are asked
                children[index] = stack.enter_context(Child(job, row["allocator"]))
        for index in list(children):
            ask(index, "begun")
        for index in list(children):
            row = rows[index]
            say(f"  {row['implementation']}, {row['allocator']} allocator: getting ready")
            if ready := ask(index, "ready", workload=workload, implementation=row["implementation"]):
                steps = max(1, round(TURN_SECONDS / ready["second"]))
                done[index] |= {"first_seconds": ready["first"], "steps_a_turn": steps, "seconds": []}
        end = time.monotonic() + seconds
        for number in range(rounds):
            if number and time.monotonic() > end:
                break
            say(f"  round {number + 1} of at most {rounds}")
            for index in list(children):
                time.sleep(PAUSE_SECONDS)
                if found := ask(index, "turn", steps=done[index]["steps_a_turn"]):
                    done[index]["seconds"].append(found["seconds"])
        for index in list(children):
            if found := ask(index, "memory"):
                done[index] |= found
    return done
