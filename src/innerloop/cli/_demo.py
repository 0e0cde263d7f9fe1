"""`innerloop demo`: the whole story on embedded data, with the same commands that a user types."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli._parse import UsageError, parse
from innerloop.cli._training import Job, run_jobs

_METHODS = ("maml", "prototypes", "pretraining", "fomaml", "anil")


@dataclass(frozen=True)
class Options:
    """Train five learners on embedded characters, compare them with their rivals, write a page."""

    out: str = "demo"
    """Folder for the runs and the page; what is there already is not done again."""
    processes: int | None = None
    """Learners trained at a time, one thread each; None: as many as cores."""
    steps: int | None = None
    """Outer steps of every learner; None: as the recipe says. For a quick look only."""
    tasks: int = 1_000
    """Test tasks."""


def run(arguments: Sequence[str]) -> int:
    """Trains, compares, and says where the page is."""
    options = parse(Options, arguments, "innerloop demo", str(Options.__doc__))
    from innerloop.cli._compare import Options as CompareOptions
    from innerloop.cli._compare import compare
    from innerloop.sources import Characters
    from innerloop.workers import cores

    start, out = time.perf_counter(), Path(options.out)
    processes = options.processes or cores()
    if processes < 1 or options.tasks < 1:
        raise UsageError(f"processes and tasks must be at least 1; got {processes} and {options.tasks}.")
    Characters()  # rendered once here, so that the processes find it in the cache
    print(f"innerloop demo: {len(_METHODS)} learners, {processes} at a time; the first page comes with the first one")
    _train_all(out, options, processes, start)
    runs = tuple(str(out / f"characters-{method}") for method in _METHODS)
    found = compare(
        CompareOptions(
            runs,
            tasks=options.tasks,
            also_omniglot=_omniglot_is_there(),
            out=str(out),
            processes=processes,
        ),
        command="make demo",
    )
    best = found.rows[found.best]
    print(f"\nBest on scripts that nobody saw in training: {best}")
    page = (out / "page.html").resolve().as_uri()
    print(f"The whole page ({time.perf_counter() - start:.0f} s after the start): {page}")
    return 0


def _train_all(out: Path, options: Options, processes: int, start: float) -> None:
    def say(job: Job) -> None:
        page = (job.folder / "page.html").resolve().as_uri()
        print(f"{time.perf_counter() - start:4.0f} s  {job.name}: {page}", flush=True)

    steps = () if options.steps is None else ("--steps", str(options.steps))
    jobs = [
        Job(
            method,
            out / f"characters-{method}",
            ("characters", "--method", method, "--test-tasks", str(options.tasks), *steps),
        )
        for method in _METHODS
    ]
    run_jobs(jobs, processes, say)


def _omniglot_is_there() -> bool:
    data = os.environ.get("INNERLOOP_DATA")
    return bool(data) and (Path(str(data)) / "omniglot").is_dir()
