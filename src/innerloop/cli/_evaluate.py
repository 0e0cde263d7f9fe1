"""`innerloop evaluate RUN`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from innerloop.cli._parse import UsageError, named, parse


@dataclass(frozen=True)
class Options:
    """Measure a run on test tasks."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of the run."""
    tasks: int | None = None
    """How many tasks; None: 1,000, and for reinforcement learning as many as the recipe says."""
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
    rounds: int | None = None
    """Rounds of adaptation, in reinforcement learning; None: as the recipe says."""
    workers: int | None = None
    """Processes for the episodes of simulators, in reinforcement learning; None: one for each core."""
    video: str | None = None
    """File for a GIF of the first goal, before and after the demonstrations (robot control)."""
    out: str | None = None
    """File for the result as JSON; None: results/NAME.json in the run."""
    threads: int | None = None
    """Threads of a CPU."""


_OF_OTHERS = ("on", "norm", "steps", "curve_steps", "metric", "video")
"""Options that mean nothing for a run of reinforcement learning."""


def run(arguments: Sequence[str]) -> int:
    """Prints the result and keeps it with the run."""
    options = parse(Options, arguments, "innerloop evaluate", "Measure a run on test tasks.")
    given = named(arguments)
    from pathlib import Path

    from innerloop.cli._control import demand_control, evaluate_success
    from innerloop.cli._kinds import is_policy
    from innerloop.cli._policy import demand_workers
    from innerloop.cli._policy_work import evaluate_returns
    from innerloop.cli._work import open_run, other_tasks, set_threads
    from innerloop.evaluation import evaluate
    from innerloop.files import write_json
    from innerloop.mapping import keep_large_blocks
    from innerloop.outer import Run
    from innerloop.recipes import policy_from_json
    from innerloop.recipes.control import ControlRecipe
    from innerloop.sources import LakeRuns

    keep_large_blocks()
    if is_policy(config := Run(options.run).config()):
        refuse(given, _OF_OTHERS, "a run of reinforcement learning")
        demand_workers(policy_from_json(config["recipe"]), given)
        evaluate_returns(
            options.run, split=options.split, tasks=options.tasks, rounds=options.rounds, out=options.out,
            threads=options.threads, workers=options.workers,
        )  # fmt: skip
        return 0
    refuse(given, ("rounds", "workers"), "a run that is not of reinforcement learning")
    wanted = 1_000 if options.tasks is None else options.tasks
    set_threads(options.threads)
    folder, experiment = open_run(options.run)
    if options.video is not None:
        demand_control(experiment)
    if isinstance(experiment.recipe, ControlRecipe) and options.metric is None and options.on == "own":
        refuse(given, ("norm",), "success in the simulator")
        evaluate_success(
            folder, experiment, split=options.split, goals=wanted, steps=options.steps,
            curve_steps=options.curve_steps, out=options.out, gif=options.video,
        )  # fmt: skip
        return 0
    refuse(given, ("video",), "predictions (--metric, --on): it shows success in the simulator")
    source = getattr(experiment.source, options.split) if options.on == "own" else other_tasks(experiment, options.on)
    tasks = min(wanted, len(source)) if isinstance(source, LakeRuns) else wanted
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


def refuse(given: Collection[str], unread: Sequence[str], what: str) -> None:
    """Refuses options that mean nothing for what is to be measured.

    Args:
        given: the options that the command line gives a value.
        unread: those that nothing reads.
        what: what is to be measured.

    Raises:
        UsageError: naming the first of them.
    """
    for name in unread:
        if name in given:
            raise UsageError(f"--{name.replace('_', '-')} means nothing for {what}.")
