"""What the commands do once they know what is asked: the only part of them that needs torch."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from innerloop.adapted import rebuilt
from innerloop.catalogue import is_own
from innerloop.cli._measure import measure
from innerloop.cli._pages import write_run_page
from innerloop.demands import at_least
from innerloop.errors import CheckpointError, ConfigurationError
from innerloop.files import write_json
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.outer import Run, fit, is_main_process, load_weights
from innerloop.recipes import POLICY_RECIPES, Recipe, from_json
from innerloop.recipes._build import Experiment, build
from innerloop.recipes._minutes import demand_minutes, within_minutes
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.recipes._unread import demand_read
from innerloop.recipes.omniglot import OmniglotRecipe
from innerloop.recipes.ratings import RatingsRecipe
from innerloop.sources import LakeRuns, Omniglot, TaskSource


def set_threads(threads: int | None) -> None:
    """How many threads torch uses on a CPU.

    Raises:
        ConfigurationError: if it is no positive number.
    """
    if threads is not None:
        torch.set_num_threads(at_least("threads", threads, 1))


def available(name: str) -> torch.device:
    """The device of a name.

    Raises:
        ConfigurationError: if this machine does not have it.

    >>> available("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError):  # no such name; torch without it, or without its module
        raise ConfigurationError(f"There is no device {name!r} here. Take cpu, or what torch.device knows.") from None
    return device


def train(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool,
    checkpoint_seconds: float = 30.0,
    quiet: bool,
    minutes: float | None = None,
    device: str = "cpu",
    given: Collection[str] = (),
) -> int:
    """Trains by a recipe, measures on the test tasks and writes the page.

    Args:
        recipe: what to train.
        folder: the run.
        resume: go on with the run that is there.
        checkpoint_seconds: time between checkpoints.
        quiet: show no progress.
        minutes: training time in place of the recipe's number of steps; the run keeps the number that was found.
        device: where it trains, and is measured.
        given: fields of the recipe that were given a value.

    Returns:
        0, or 130 if it was interrupted.

    Raises:
        ConfigurationError: if there is a run already, no such device, or the method does not read what it was given.
    """
    run, place = Run(folder), available(device)
    if isinstance(recipe, RatingsRecipe) and minutes is not None:
        raise ConfigurationError("--minutes is not for `ratings`, whose trainings take about one. Give --steps.")
    if run.exists and not resume:
        raise ConfigurationError(f"{folder} already holds a run. Go on with --resume, or choose another with --run.")
    if isinstance(recipe, RatingsRecipe):
        if place.type != "cpu":
            raise ConfigurationError("--device is not for `ratings`, which trains on a CPU. Leave it out.")
        from innerloop.cli._ratings import train_ratings  # an application: loaded by those who want it

        return train_ratings(recipe, run, resume=resume, checkpoint_seconds=checkpoint_seconds, quiet=quiet)
    if not run.exists:  # one that was begun goes on with what it was begun with
        demand_read(recipe, given)
    changes: dict[str, Any] = {}
    if minutes is not None:
        recipe, mapping = _timed(recipe, run, minutes, place)
        changes = {} if mapping is None else {"mapping": mapping}
    experiment = build(recipe, start=not run.exists)  # a run that goes on has its own weights
    experiment.learner.to(place)
    settings = {**experiment.fit_settings(), **changes}
    if minutes is not None:
        settings["config"] = {**settings["config"], "minutes": minutes}
    done = fit(
        experiment.learner,
        **settings,
        run=run,
        resume=resume,
        checkpoint_seconds=checkpoint_seconds,
        progress=not quiet,
    )
    if not is_main_process():  # the run is written by one
        return 130 if done.interrupted else 0
    if done.interrupted:
        print(f"innerloop: stopped; the same command with --resume goes on in {folder}", file=sys.stderr)
        return 130
    write_json(folder / "fit.json", {**vars(done), "recipe": recipe.to_json()})
    measure(experiment, run, tasks=recipe.test_tasks, quiet=quiet)
    experiment.learner.cpu()  # the page shows single tasks, which are made there
    print(write_run_page(run, experiment))
    return 0


def _timed(recipe: Recipe, run: Run, minutes: float, device: torch.device) -> tuple[Recipe, Mapping | None]:
    """The recipe with the steps of a run that was begun, or of a trial."""
    if not run.exists:
        return within_minutes(recipe, minutes, device)
    demand_minutes(minutes)
    before = run.config().get("minutes")
    if before != minutes:
        raise ConfigurationError(
            f"{run.folder} was begun with other settings: minutes changed (from {before!r} to {minutes!r}). "
            "Use another folder."
        )
    return dataclasses.replace(recipe, steps=_recipe(run).steps), None


def open_run(folder: str | Path) -> tuple[Run, Experiment]:
    """A finished run with its learner, best weights loaded.

    Raises:
        CheckpointError: if there is no such run, or it is damaged.
    """
    run = Run(folder)
    experiment = build(_recipe(run), start=False)
    load_weights(weights_of(run), experiment.learner)
    return run, experiment


def open_learner(folder: str | Path) -> tuple[Run, Recipe, Learner]:
    """A run's recipe and learner, best weights loaded, without its data: they may be on another machine.

    Raises:
        CheckpointError: if there is no such run, or it is damaged.
    """
    run = Run(folder)
    config, recipe = run.config(), _recipe(run)
    if is_own(recipe.method) or isinstance(recipe, RatingsRecipe):  # only its own file can build it; no task learner
        run, experiment = open_run(folder)
        return run, recipe, experiment.learner.eval()
    settings = config.get("settings")
    learner = rebuilt(settings.get("learner") if isinstance(settings, dict) else None, run.folder / "config.json")
    load_weights(weights_of(run), learner)
    return run, recipe, learner.eval()


def other_tasks(experiment: Experiment, name: str) -> TaskSource:
    """Tasks of another source in the shape of the experiment's own.

    Raises:
        ConfigurationError: if its pictures do not fit the learner's network, or were trained on.
    """
    recipe = experiment.recipe
    own = experiment.source.test[0].support.x.shape[1:]
    if not isinstance(recipe, PictureRecipe) or tuple(own) != (1, 28, 28):
        raise ConfigurationError(
            f"{name} has 28x28 grey pictures; this run learned examples of shape {tuple(own)}. "
            "Only runs on 28x28 grey pictures can be measured there."
        )
    # each protocol of Omniglot trains on characters that the other one tests on
    if isinstance(recipe, OmniglotRecipe) and recipe.protocol != ("B" if name == "lake" else "A"):
        raise ConfigurationError(
            f"A run on Omniglot by protocol {recipe.protocol} has trained on characters that {name} tests on. Measure "
            f"a run by protocol {'B' if name == 'lake' else 'A'} there."
        )
    centre = recipe.pictures().centre
    if name == "lake":
        data = os.environ.get("INNERLOOP_DATA")
        if not data:
            raise ConfigurationError(
                "Lake's runs are looked for in $INNERLOOP_DATA/omniglot/all_runs: set INNERLOOP_DATA."
            )
        return LakeRuns(Path(data) / "omniglot" / "all_runs", centre=centre)
    return Omniglot(ways=recipe.ways, shots=recipe.shots, queries=recipe.queries, centre=centre).test


def _recipe(run: Run) -> Recipe:
    config = run.config()
    if "recipe" not in config:
        raise CheckpointError(
            f"{run.folder} was trained from Python, without a recipe: the command cannot build its learner again. "
            "Use innerloop.evaluate and learner.adapted in your own code."
        )
    if isinstance(said := config["recipe"], dict) and said.get("recipe") in POLICY_RECIPES:
        raise ConfigurationError(
            f"{run.folder} is a run of reinforcement learning ({said['recipe']}), which this command does not know; "
            "`innerloop evaluate` and `innerloop report` do."
        )
    return from_json(config["recipe"])


def weights_of(run: Run) -> Path:
    """The weights with the best validation, or the last ones if there was none."""
    return run.best if run.best.exists() else run.last
