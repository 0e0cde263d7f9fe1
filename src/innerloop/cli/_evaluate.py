"""`innerloop evaluate RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """Measure a run on test tasks."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of the run."""
    tasks: int = 1_000
    """How many tasks."""
    split: Literal["test", "validation", "train"] = "test"
    """Which split."""
    on: Literal["own", "omniglot", "lake"] = "own"
    """The run's own tasks or, for 28x28 grey pictures, Omniglot's test characters, or Lake's 20 fixed runs in
    $INNERLOOP_DATA/omniglot/all_runs."""
    norm: Literal["batch", "support", "running"] | None = None
    """Whose statistics normalise query examples; None: as trained."""
    steps: int | None = None
    """Inner steps; None: as the recipe says."""
    curve_steps: int = 0
    """Also measure after 0..N inner steps."""
    metric: Literal["accuracy", "squared error", "absolute error", "negative log-density"] | None = None
    """What predictions are judged by; None: accuracy for classes, squared error for numbers, success in the simulator
    for robot control. The density, in nats per
    query point, is for methods that predict means and variances."""
    video: str | None = None
    """File for a GIF of the first goal, before and after the demonstrations (robot control)."""
    out: str | None = None
    """File for the result as JSON; None: results/NAME.json in the run."""
    threads: int | None = None
    """Threads of a CPU."""


def run(arguments: Sequence[str]) -> int:
    """Prints the result and keeps it with the run."""
    options = parse(Options, arguments, "innerloop evaluate", "Measure a run on test tasks.")
    from pathlib import Path

    from innerloop.cli._control import demand_control, evaluate_success
    from innerloop.cli._work import open_run, other_tasks, set_threads
    from innerloop.evaluation import evaluate
    from innerloop.files import write_json
    from innerloop.mapping import keep_large_blocks
    from innerloop.recipes._recipe import ControlRecipe
    from innerloop.sources import LakeRuns

    keep_large_blocks()
    set_threads(options.threads)
    folder, experiment = open_run(options.run)
    if options.video is not None:
        demand_control(experiment)
    if isinstance(experiment.recipe, ControlRecipe) and options.metric is None and options.on == "own":
        evaluate_success(
            folder, experiment, split=options.split, goals=options.tasks, steps=options.steps,
            curve_steps=options.curve_steps, out=options.out, gif=options.video,
        )  # fmt: skip
        return 0
    source = getattr(experiment.source, options.split) if options.on == "own" else other_tasks(experiment, options.on)
    tasks = min(options.tasks, len(source)) if isinstance(source, LakeRuns) else options.tasks
    found = evaluate(
        experiment.learner,
        source,
        tasks,
        norm=options.norm,
        steps=options.steps,
        curve_steps=options.curve_steps,
        metric=options.metric,
    )
    print(found)
    # names of their own: test.json and its siblings are the rows of the run's page, all on the same tasks
    parts = [
        "evaluate",
        options.on if options.on != "own" else options.split,
        f"{tasks}tasks",
        options.norm,
        options.steps and f"{options.steps}steps",
        options.metric and options.metric.replace(" ", "_"),
    ]
    name = ".".join(str(part) for part in parts if part)
    path = Path(options.out) if options.out else folder.folder / "results" / f"{name}.json"
    write_json(path, found.to_json())
    print(path)
    return 0
