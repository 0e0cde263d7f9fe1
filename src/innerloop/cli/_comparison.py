"""A comparison of runs: opened, measured, and put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from innerloop.cli._costs import compute_costs
from innerloop.cli._lines import Group, Line, fine_tuned, free_lines, grouped, trained_lines
from innerloop.cli._ranges import Places, compared, crossovers, range_json, rulings, said
from innerloop.cli._rivals import rivals_of
from innerloop.cli._rows import compute_rows
from innerloop.cli._tables import read_rows, row_json, terminal
from innerloop.cli._work import open_run
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Comparison, Crossover, Ruling, ruling
from innerloop.evaluation._crossover import counted
from innerloop.outer import Run
from innerloop.outer._run import provenance
from innerloop.recipes._build import Experiment
from innerloop.recipes._recipe import ClassRecipe
from innerloop.recipes.table import TableRecipe
from innerloop.report import Row
from innerloop.report._costs import fronts
from innerloop.sources import Supply

TITLES = {"test": "On test tasks", "omniglot": "On real handwriting, never seen"}


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


@dataclass(frozen=True, eq=False)
class Found:
    """What was measured.

    Attributes:
        opened: the runs.
        tables: (where, rows) of each table; the first is on the runs' own test tasks.
        comparison: of the first table.
        ruling: which side wins there.
        places: the rows at each number of shots; empty if only one was measured.
        crossovers: where the sides meet over the shots.
        rulings: which side wins at each of them.
        provenance: versions and the command.
    """

    opened: Opened
    tables: list[tuple[str, list[Row]]]
    comparison: Comparison
    ruling: Ruling
    places: Places
    crossovers: dict[str, Crossover]
    rulings: list[tuple[int, Ruling]]
    provenance: dict[str, Any]

    @property
    def rows(self) -> list[Row]:
        """Of the first table."""
        return self.tables[0][1]

    def verdict(self) -> list[str]:
        """Which side wins, and where it stops winning as the shots grow."""
        return list(dict.fromkeys([*self.ruling.sentences, *said(self.crossovers)]))

    def text(self) -> str:
        """For a terminal."""
        best = self.comparison.best
        pairs = [self.comparison.verdict(best, name) for name in self.comparison.rows if name != best]
        return "\n".join([
            terminal(self.rows, self.comparison), "", *self.verdict(), "", *(f"- {verdict}" for verdict in pairs),
        ])  # fmt: skip

    def to_json(self, command: str) -> dict[str, Any]:
        """The results file."""
        best, opened = self.comparison.best, self.opened
        named = list(zip(opened.runs, opened.experiments, strict=True))
        content = {
            "command": command,
            "provenance": self.provenance,
            "training_seeds": {run.folder.name: experiment.recipe.seed for run, experiment in named},
            "minutes": {
                run.folder.name: minutes for run, minutes in zip(opened.runs, opened.minutes, strict=True) if minutes
            },
            "recipes": {run.folder.name: experiment.recipe.to_json() for run, experiment in named},
            "equal": equal(opened),
            "best": best,
            "verdicts": [self.comparison.verdict(best, name) for name in self.comparison.rows if name != best],
            "winner": self.ruling.winner,
            "verdict": self.verdict(),
            "tables": {
                where: [row_json(row, fronts(rows) if where == "test" else None) for row in rows]
                for where, rows in self.tables
            },
        }
        if self.places:
            content["shots"] = range_json("shots", self.places, self.crossovers, self.rulings)
        return content


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


def measured(
    trained: Opened,
    out: Path,
    *,
    tasks: int | None,
    shots: Sequence[int],
    baselines: bool,
    also_omniglot: bool,
    processes: int,
) -> Found:
    """Computes the rows that are missing in `out` and reads them all.

    Args:
        trained: the runs.
        out: folder of the rows.
        tasks: how many tasks; None: as the first run's recipe says.
        shots: more numbers of support examples to measure at.
        baselines: with the rows that need no meta-learning.
        also_omniglot: with a second table on Omniglot.
        processes: rows at a time.
    """
    first = trained.experiments[0]
    own, count = first.recipe.shots, tasks or first.recipe.test_tasks
    others = sorted({number for number in shots if number != own})
    for number in others:  # a class with too few examples is said now, not in the middle
        for split in (first.source.test, first.source.validation):
            split.with_(shots=number).batch(_first_task())

    def lines(on: str, number: int | None = None) -> list[Line]:
        curve = first.recipe.curve_steps if on == "test" and number is None else 0
        classes, table = trained.classes, trained.table
        found = trained_lines(trained.groups, count, on, curve, baselines=baselines, classes=classes, shots=number)
        free = free_lines(trained.groups[0], count, on, classes=classes, table=table, shots=number)
        return [*found, *(free if baselines else [])]

    wanted = {on: lines(on) for on in ["test", *(["omniglot"] if also_omniglot else [])]}
    ranges = {number: lines("test", number) for number in others}
    every = [line for part in (*wanted.values(), *ranges.values()) for line in part]
    compute_rows([spec for line in every for spec in line.specs], out, processes)
    priced = [*wanted["test"], *(line for part in ranges.values() for line in part)]
    compute_costs(priced, out)
    tables = [(on, read_rows(part, out, costs=on == "test")) for on, part in wanted.items()]
    rows = tables[0][1]
    places: Places = []
    if others:
        found = {own: rows, **{number: read_rows(part, out) for number, part in ranges.items()}}
        places = [(number, found[number]) for number in sorted(found)]
    tuned = fine_tuned(wanted["test"], [row.evaluation.name for row in rows])
    spent = {row.evaluation.name: row.spent for row in rows if row.spent is not None}
    shape = f"at {counted(own, 'shots')}"
    return Found(
        trained,
        tables,
        compared(rows),
        ruling(compared(rows), {row.evaluation.name: row.family for row in rows}, spent, shape),
        places,
        crossovers(places, "shots", tuned),
        rulings(places, "shots"),
        provenance(),
    )


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
        lines.append(f"Equal: {minutes:g} minutes of training on {threads or 'all'} thread(s), validation included.")
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


def _first_task() -> Any:
    import torch

    return torch.tensor([0])
