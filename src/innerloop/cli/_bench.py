"""`innerloop bench`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """Speed and memory of this installation against `higher` and `torchopt` (extra `bench`), interleaved in one run."""

    workloads: tuple[str, ...] = ("S", "O", "M")
    """S: sinusoids, O: Conv-4 on 28x28 pictures, M: on 84x84 colour pictures; S1, S5, O1, O5, M5 for one of them."""
    rounds: int = 15
    """Timed turns of every implementation, at most."""
    seconds: float = 120.0
    """No round of a workload begins after this time."""
    threads: int = 1
    """Threads of a CPU, for each implementation alike."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where."""
    allocator: Literal["all", "installed", "default", "kept"] = "all"
    """installed: peers with the C library as it is, ours with large blocks kept; default, kept: both with the one or
    the other; all: everything both ways."""
    sweep: tuple[int, ...] | None = None
    """More sizes of the meta-batch to measure every workload with; None: on a GPU 32 128 512, else no more."""
    only: tuple[str, ...] = ()
    """Implementations to measure, by their names in the table; all if left out."""
    quick: bool = False
    """Small sizes and one round: to see that it works, not to measure."""
    out: str = "results/bench.json"
    """File for the result as JSON."""
    quiet: bool = False
    """Show no progress."""


def run(arguments: Sequence[str]) -> int:
    """Measures, prints the tables, writes the result; 1 if a row failed."""
    options = parse(Options, arguments, "innerloop bench", str(Options.__doc__))
    from pathlib import Path

    from rich.console import Console

    from innerloop.bench import Settings, chosen, failures, measure, tables
    from innerloop.files import write_json

    usual = (32, 128, 512) if options.device == "cuda" and not options.quick else ()
    sweep = usual if options.sweep is None else options.sweep
    settings = Settings(
        chosen(options.workloads, sweep, small=options.quick),
        rounds=1 if options.quick else options.rounds,
        seconds=options.seconds,
        threads=options.threads,
        device=options.device,
        allocator=options.allocator,
        quick=options.quick,
        only=options.only,
    )
    path = Path(options.out)
    command = shlex.join(["innerloop", "bench", *arguments])

    def keep(result: dict[str, Any]) -> None:
        write_json(path, {"command": command, **result})

    def say(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr, flush=True)

    result = measure(settings, say=say, keep=keep)
    console = Console()
    for table in tables(result):
        console.print(table)
    print(path)
    failed = [line for workload in result["workloads"] for line in failures(workload)]
    for line in failed:
        print(f"innerloop: {line}", file=sys.stderr)
    return 1 if failed else 0
