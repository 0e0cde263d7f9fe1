"""From computed rows to the rows of a table, in JSON and in a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from innerloop.cli._columns import columns
from innerloop.cli._costs import spent
from innerloop.cli._lines import Line
from innerloop.cli._rivals import begins_with_run
from innerloop.cli._rows import load_row
from innerloop.evaluation import Comparison, Evaluation, Spent, averaged
from innerloop.evaluation._seeds import COVERS
from innerloop.evaluation._spent import MEASURED
from innerloop.evaluation._words import deviation, how_long, result
from innerloop.report import Row
from innerloop.report._costs import fronts, many, megabytes


def read_rows(lines: Sequence[Line], folder: Path, *, costs: bool = True) -> list[Row]:
    """The computed rows, averaged over training seeds, each with a name of its own; the first one is marked."""
    found = [[load_row(spec, folder) for spec in line.specs] for line in lines]
    names = [entries[0]["evaluation"]["name"] for entries in found]
    count = Counter((name, line.specs[0].norm) for name, line in zip(names, lines, strict=True))
    rows = []
    for name, entries, line in zip(names, found, lines, strict=True):
        first = line.specs[0]
        own = f"{name}, {Path(first.run).name}" if count[(name, first.norm)] > 1 else name
        own += " (support statistics)" if first.norm == "support" else ""
        by_seed = {
            seed: Evaluation.from_json({**entry["evaluation"], "name": own})
            for seed, entry in zip(line.seeds, entries, strict=True)
        }
        # what begins with nothing has nothing trained; a run that was stopped does not know its time
        seconds = [entry["seconds"] if begins_with_run(first.kind) else 0.0 for entry in entries]
        rows.append(
            Row(
                averaged(by_seed),
                entries[0]["family"],
                None if None in seconds else fmean(seconds),
                _together([entry["note"] for entry in entries]),
                highlight=line is lines[0],
                spent=spent(line, folder) if costs else None,
            )
        )
    return rows


def _together(notes: Sequence[str]) -> str:
    """What is said about the trainings of a row; how rate and steps were chosen is said once.

    >>> _together(["Adam at 0.1, 3 steps, chosen on 40 tasks", "Adam at 0.3, 2 steps, chosen on 40 tasks"])
    'Adam at 0.1, 3 steps; at 0.3, 2 steps, chosen on 40 tasks'
    """
    different = list(dict.fromkeys(note for note in notes if note))
    heads: dict[str, None] = {}
    ends: set[str] = set()
    for note in different:
        head, comma, end = note.partition(", chosen")
        heads[head] = None
        ends.add(comma + end)
    if len(different) < 2 or len(ends) > 1:
        return "; ".join(different)
    first, *rest = heads
    return "; ".join([first, *(head.removeprefix("Adam ") for head in rest)]) + ends.pop()


def row_json(row: Row, best: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """A row for the results file."""
    found = {
        **row.evaluation.to_json(),
        "spread": finite(row.evaluation.spread),
        "family": row.family,
        "trained_seconds": row.trained_seconds or None,
        "note": row.note,
    }
    if row.spent is not None:
        found["spent"] = row.spent.to_json()
    if best is not None:
        found["not_beaten"] = [price for price, names in best.items() if row.evaluation.name in names]
    return found


def finite(number: float | None) -> float | None:
    """The number, or None for what is none: a row that diverged has no spread."""
    return number if number is not None and math.isfinite(number) else None


def terminal(rows: list[Row], found: Comparison) -> str:
    """The table for a terminal, best row first, with what its columns mean."""
    best = fronts(rows)
    by_name = {row.evaluation.name: row for row in rows}
    metric = rows[0].evaluation.metric
    cells = [["", metric, "over seeds", "norm", "training", "steps", "labels", "step", "adapts in", "with", "leaves"]]
    for name in found.rows:
        row = by_name[name]
        cost, one = row.spent or Spent(), row.evaluation
        cells.append([
            name,
            result(one.interval, one.higher_is_better),
            _seeds(one),
            one.norm,
            _training(cost) + _star(name in best["training"]),
            many(cost.train_steps),
            many(cost.train_labels),
            megabytes(cost.train_bytes),
            "-" if cost.adapt_seconds is None else how_long(cost.adapt_seconds) + _star(name in best["adapting"]),
            megabytes(cost.adapt_bytes),
            many(cost.adapted),
        ])  # fmt: skip
    star = "* not beaten at its price: no row is as good and as cheap, and better in one of the two (by their means)."
    return "\n".join([*columns(cells), "", star, COVERS, MEASURED])


def _seeds(found: Evaluation) -> str:
    if found.spread is None:
        return "1 seed" if found.seeds else "-"
    return f"sd {deviation(found.spread, found.higher_is_better)}, {len(found.seeds)} seeds"


def _training(cost: Spent) -> str:
    if cost.train_seconds is None:
        return "nothing" if cost.untrained else "-"
    return how_long(cost.train_seconds)


def _star(here: bool) -> str:
    return "*" if here else ""
