"""Methods in place of runs: what is to be trained, at an equal budget, and by which command."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from innerloop.catalogue import METHODS
from innerloop.cli._parse import UsageError
from innerloop.cli._training import Job, run_jobs
from innerloop.errors import ConfigurationError
from innerloop.outer import Run
from innerloop.recipes import Recipe, from_json, recipe, variants
from innerloop.recipes._build import Experiment, build_learner
from innerloop.recipes._minutes import demand_minutes
from innerloop.recipes._unread import unread
from innerloop.sources import Splits

USUAL = ("maml", "prototypes", "pretraining")
"""One learner of each family."""


class Asked(Protocol):
    """What the commands that train say about it."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods to train; empty: the usual ones."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Training seeds of each."""

    @property
    def minutes(self) -> float | None:
        """Training time of each."""

    @property
    def threads(self) -> int:
        """Threads of each training."""

    @property
    def tasks(self) -> int | None:
        """Test tasks."""

    @property
    def out(self) -> str:
        """Folder of the result."""


class AskedWithShots(Asked, Protocol):
    """The same with the numbers of shots to measure at."""

    @property
    def recipe(self) -> str | None:
        """The recipe."""

    @property
    def shots(self) -> tuple[int, ...]:
        """Numbers of shots."""


def plan(options: AskedWithShots, settings: Mapping[str, Any]) -> list[Job]:
    """The trainings of a comparison, all methods with one seed first.

    Everything that can be wrong with them is found here, before anything is written.

    Raises:
        UsageError or ConfigurationError: for methods or settings that cannot be, or runs in the way that were made
            with others.
        DataError: if the data cannot be used.
    """
    name = str(options.recipe)
    own = usual_recipe(name, settings).shots
    shots = own if not options.shots or own in options.shots else options.shots[0]
    demand(options, settings)
    source = configured(name, USUAL[0], settings, 0, shots, options.tasks).source()
    methods = options.methods or usual(source.train[0].ways)
    demand_readers(name, methods, settings)
    chosen = [
        configured(name, method, settings, seed, shots, options.tasks) for seed in options.seeds for method in methods
    ]
    for one in chosen[: len(methods)]:
        demand_possible(one, source)
    folder = Path(options.out) / "runs"
    return [job(one, folder / folder_name(one), settings, options) for one in chosen]


def usual(ways: int | None) -> tuple[str, ...]:
    """One learner of each family that can learn such tasks.

    >>> usual(None)
    ('maml', 'pretraining')
    """
    wrong = "numbers" if ways is not None else "classes"
    return tuple(method for method in USUAL if METHODS[method].learns != wrong)


def demand_possible(chosen: Recipe, source: Splits) -> None:
    """Finds out now what a training would complain about.

    Raises:
        ConfigurationError: if the method cannot learn such tasks.
        DataError: if there are too few classes or examples for the training tasks.
    """
    Experiment(chosen, source, build_learner(chosen, source)).fit_settings()


def demand(options: Asked, settings: Mapping[str, Any]) -> None:
    """Refuses what makes no sense for any recipe.

    Raises:
        UsageError or ConfigurationError: with the option.
    """
    if not options.seeds:
        raise UsageError("--seeds: expected at least one.")
    for what, values in (("--methods", options.methods), ("--seeds", options.seeds)):
        if len(set(values)) < len(values):
            raise UsageError(f"{what}: each only once; got {' '.join(map(str, values))}.")
    if options.minutes is not None:
        demand_minutes(options.minutes)
        if "steps" in settings:
            raise UsageError("--minutes finds the number of steps and --steps gives it: name one of the two.")


def demand_readers(name: str, methods: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Refuses a setting that would change nothing for any method.

    Raises:
        UsageError: naming the setting.
    """
    if settings:
        idle = set.intersection(*(set(unread(usual_recipe(name, settings, method))) for method in methods))
        if wrong := [field for field in settings if field in idle]:
            raise UsageError(f"--{wrong[0].replace('_', '-')}: none of {', '.join(methods)} reads it. Leave it out.")


def usual_recipe(name: str, settings: Mapping[str, Any], method: str = "maml") -> Recipe:
    """The recipe before it is changed, for instance that of Omniglot's protocol B where the settings ask for it."""
    return recipe(name, method, **{key: settings[key] for key in variants(name) if key in settings})


def configured(name: str, method: str, settings: Mapping[str, Any], seed: int, shots: int, tasks: int | None) -> Recipe:
    """The recipe of one training: the method's own, in the common shape, with what was asked for.

    A method whose recipe is for another number of shots (Reptile's is) is trained with that number and measured with
    the common one. What is asked for all methods and a method does not read is not asked of it.
    """
    own, common = usual_recipe(name, settings, method), usual_recipe(name, settings)
    changes: dict[str, Any] = {"shots": shots, "seed": seed, "queries": common.queries}
    if own.shots not in (shots, common.shots) and own.train_shots is None:
        changes["train_shots"] = own.shots
    if tasks is not None:
        changes["test_tasks"] = tasks
    skipped = unread(own) if settings else []
    return dataclasses.replace(own, **{**changes, **{k: v for k, v in settings.items() if k not in skipped}})


def job(chosen: Recipe, folder: Path, settings: Mapping[str, Any], options: Asked) -> Job:
    """The training as a command.

    Raises:
        ConfigurationError: if its folder holds a run with other settings.
    """
    _demand_same(chosen, folder, options.minutes)
    changed = [*settings, *("shots", "queries", "seed", "test_tasks", "train_shots", "train_classes", "train_tasks")]
    words = [chosen.recipe, "--method", chosen.method, "--quiet"]
    default, own = recipe(chosen.recipe, chosen.method), variants(chosen.recipe)
    variant = usual_recipe(chosen.recipe, settings, chosen.method)
    for field in dict.fromkeys(changed):
        before = default if field in own else variant
        if hasattr(chosen, field) and getattr(chosen, field) != getattr(before, field):
            words += _option(field, getattr(chosen, field))
    if options.minutes is not None:
        words += ["--minutes", str(options.minutes)]
    return Job(f"{chosen.method}, seed {chosen.seed}", folder, tuple(words), options.threads)


def train_all(jobs: Sequence[Job], processes: int) -> None:
    """Trains what is missing and says what is done."""
    start = time.perf_counter()
    left = sum(not each.finished for each in jobs)
    print(f"{len(jobs)} trainings, {len(jobs) - left} of them done already", flush=True)

    def say(done: Job) -> None:
        print(f"{time.perf_counter() - start:5.0f} s  {done.name}: {done.folder}", flush=True)

    run_jobs(jobs, processes, say)


def folder_name(chosen: Recipe, size: str = "") -> str:
    """Name of a training's folder."""
    return f"{chosen.recipe}-{chosen.method.rpartition(':')[2]}{size}-{chosen.seed}"


def _demand_same(chosen: Recipe, folder: Path, minutes: float | None) -> None:
    """A run that is there already must be the one that is asked for."""
    run = Run(folder)
    if not run.exists:
        return
    config = run.config()
    before = from_json(config.get("recipe"))
    asked = chosen if minutes is None else dataclasses.replace(chosen, steps=before.steps)
    pairs = [("minutes", config.get("minutes"), minutes)]
    pairs += [(field, getattr(before, field, None), value) for field, value in vars(asked).items()]
    for field, was, now in pairs:
        if was != now and field != "test_tasks":
            raise ConfigurationError(
                f"{folder} was made with {field} {was!r}; asked for is {now!r}. Choose another folder with --out."
            )


def _option(field: str, value: Any) -> list[str]:
    flag = f"--{field.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, tuple):
        return [flag, *map(str, value)]
    return [flag, str(value)]
