"""`innerloop demo`: the whole story on embedded data, with the same commands that a user types."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli._parse import UsageError, parse

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
    from innerloop.cli._rows import default_processes
    from innerloop.sources import Characters

    start, out = time.perf_counter(), Path(options.out)
    processes = options.processes or default_processes()
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
    waiting = [method for method in _METHODS if not (out / f"characters-{method}" / "page.html").exists()]
    going: dict[str, subprocess.Popen[bytes]] = {}
    try:
        while waiting or going:
            while waiting and len(going) < processes:
                method = waiting.pop(0)
                going[method] = _start(out, method, options)
            time.sleep(0.2)
            for method, process in list(going.items()):
                if process.poll() is None:
                    continue
                del going[method]
                if process.returncode:
                    raise UsageError(f"Training {method} ended with code {process.returncode}; its message is above.")
                page = (out / f"characters-{method}" / "page.html").resolve().as_uri()
                print(f"{time.perf_counter() - start:4.0f} s  {method}: {page}", flush=True)
    finally:
        for process in going.values():
            process.terminate()


def _start(out: Path, method: str, options: Options) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "innerloop", "train", "characters", "--method", method, "--threads", "1"]
    command += ["--run", str(out / f"characters-{method}"), "--test-tasks", str(options.tasks), "--resume"]
    if options.steps is not None:
        command += ["--steps", str(options.steps)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})


def _omniglot_is_there() -> bool:
    data = os.environ.get("INNERLOOP_DATA")
    return bool(data) and (Path(str(data)) / "omniglot").is_dir()
