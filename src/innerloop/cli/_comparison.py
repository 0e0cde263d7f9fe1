"""A comparison of runs: opened, measured, and put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from innerloop.cli._costs import compute_costs
from innerloop.cli._lines import Line, fine_tuned, free_lines, trained_lines
from innerloop.cli._opened import Opened, equal
from innerloop.cli._ranges import Places, compared, crossovers, range_json, rulings, said
from innerloop.cli._rows import compute_rows
from innerloop.cli._tables import read_rows, row_json, terminal
from innerloop.evaluation import Comparison, Crossover, Ruling, ruling
from innerloop.evaluation._words import counted
from innerloop.outer._run import provenance
from innerloop.report import Row
from innerloop.report._costs import fronts

TITLES = {"test": "On test tasks", "omniglot": "On real handwriting, never seen"}


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


def _first_task() -> Any:
    import torch

    return torch.tensor([0])
