"""Runs of one shape, opened side by side, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from innerloop.cli._lines import Group, grouped
from innerloop.cli._rivals import rivals_of
from innerloop.cli._work import open_run
from innerloop.errors import ConfigurationError
from innerloop.evaluation._words import counted
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes._recipe import ClassRecipe
from innerloop.recipes.table import TableRecipe
from innerloop.sources import Supply


@dataclass(frozen=True, eq=False)
class Opened:
    """Runs of one shape, sorted into groups that differ in the seed alone.

    Attributes:
        runs: in the order in which they were named.
        experiments: of each.
        groups: of them.
        minutes: training time that each was given; None: a number of steps was given.
    """

    runs: list[Run]
    experiments: list[Experiment]
    groups: list[Group]
    minutes: list[float | None]

    @property
    def classes(self) -> bool:
        """Whether classes are new in every task."""
        return isinstance(self.experiments[0].recipe, ClassRecipe)

    @property
    def table(self) -> bool:
        """Whether the tasks are a table's."""
        return isinstance(self.experiments[0].recipe, TableRecipe)


def opened(folders: Sequence[str]) -> Opened:
    """Opens runs and sorts them into groups.

    Raises:
        CheckpointError: if one is missing or damaged.
        ConfigurationError: if they have other test tasks, or two of them the same folder name.
    """
    pairs = [open_run(folder) for folder in folders]
    runs, experiments = [run for run, _ in pairs], [experiment for _, experiment in pairs]
    own = experiments[0].source.test.describe()
    for folder, experiment in zip(folders, experiments, strict=True):
        if (other := experiment.source.test.describe()) != own:
            raise ConfigurationError(
                f"{folder} and {folders[0]} have other test tasks: {other} against {own}. "
                "Compare runs of one recipe and shape."
            )
    names = Counter(run.folder.name for run in runs)
    if max(names.values()) > 1:
        raise ConfigurationError(f"Two runs have the folder name {names.most_common(1)[0][0]!r}; rename one of them.")
    minutes = [run.config().get("minutes") for run in runs]
    groups = [
        Group(
            tuple(runs[i].folder for i in places),
            tuple(experiments[i].recipe.seed for i in places),
            experiments[places[0]].recipe.method,
            experiments[places[0]].learner.norm,
        )
        for places in grouped([experiment.recipe for experiment in experiments], minutes)
    ]
    return Opened(runs, experiments, groups, minutes)


def equal(trained: Opened) -> list[str]:
    """What all trained rows have in common, and what not, in words."""
    first = trained.experiments[0]
    by_seed: dict[int, set[tuple[Supply, str]]] = {}  # a seed may draw its own part of the classes
    for one in trained.experiments:
        train = one.source.train
        what = str(train.with_(seed=0, queries=1, shots=1).describe())
        by_seed.setdefault(one.recipe.seed, set()).add((train.supply(), what))
    lines = []
    if all(len(found) == 1 for found in by_seed.values()):
        unit, count, labels = first.source.train.supply()
        many = f"without end: as many {unit} as are drawn" if count is None else f"{count:,} {unit}"
        of = f" with {labels:,} labelled examples" if labels is not None else ""
        lines.append(f"Equal for all trained rows: the training split ({many}{of}) and the validation tasks.")
    else:
        lines.append("Not equal: the training splits differ between the runs.")
    times = {(minutes, run.mapping().threads) for minutes, run in zip(trained.minutes, trained.runs, strict=True)}
    minutes, threads = next(iter(times))
    if len(times) == 1 and minutes is not None:
        on = counted(threads, "threads") if threads else "all threads"
        lines.append(f"Equal: {minutes:g} minutes of training on {on}, validation included.")
    elif len({experiment.recipe.steps for experiment in trained.experiments}) == 1:
        lines.append(f"Equal: {first.recipe.steps:,} outer steps. Not equal: the training time.")
    else:
        lines.append("Not equal: training time and outer steps, which are those of the recipes.")
    lines.append(
        "Not equal: how many labels are drawn from the training split in that time (repetitions included); the table "
        "has them."
    )
    if any(rivals_of(group.method, trained.classes) for group in trained.groups):
        lines.append("Fine-tuning and the heads on features go on from the pretraining run and have its budget.")
    return lines
