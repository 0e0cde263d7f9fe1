"""`innerloop explain RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """What adaptation changes in a run, which examples matter to it, and whether it over-adapts or has memorised."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of the run."""
    tasks: int = 200
    """How many tasks, at least 10."""
    split: Literal["test", "validation", "train"] = "test"
    """Which split."""
    out: str | None = None
    """File for the result as JSON; None: RUN/explain.json, and a section on the page of the run."""
    threads: int | None = None
    """Threads of a CPU."""
    quiet: bool = False
    """Show no progress."""


def run(arguments: Sequence[str]) -> int:
    """Prints the findings in words and keeps them with the run."""
    options = parse(Options, arguments, "innerloop explain", str(Options.__doc__))
    import sys
    from pathlib import Path

    from innerloop.cli._explained import explanation_file
    from innerloop.cli._measure import measure
    from innerloop.cli._pages import write_run_page
    from innerloop.cli._work import open_run, set_threads
    from innerloop.explain import explain_learner
    from innerloop.files import write_json
    from innerloop.mapping import keep_large_blocks

    keep_large_blocks()
    set_threads(options.threads)
    folder, experiment = open_run(options.run)
    found = explain_learner(
        experiment.learner,
        getattr(experiment.source, options.split),
        options.tasks,
        say=None if options.quiet else lambda name: print(f"{name.replace('_', ' ')} ...", file=sys.stderr),
    )
    path = Path(options.out) if options.out else explanation_file(folder)
    write_json(path, found.to_json())
    print(found)
    print(path)
    if options.out is None:
        if "test" not in folder.results():
            measure(experiment, folder, tasks=experiment.recipe.test_tasks, quiet=options.quiet)
        print(write_run_page(folder, experiment))
    return 0
