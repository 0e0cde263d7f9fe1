"""Accuracy against the amount of training data: trained, measured and written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from innerloop.cli._budget import Options
from innerloop.cli._budget_page import budget_text, laws_in_words, write_budget_page
from innerloop.cli._budget_plan import plan
from innerloop.cli._costs import compute_costs
from innerloop.cli._lines import Line, closed_lines, fine_tuned, free_lines, trained_lines
from innerloop.cli._methods import train_all
from innerloop.cli._opened import equal, opened
from innerloop.cli._ranges import Places, crossovers, range_json, rulings, said
from innerloop.cli._rows import compute_rows, load_row
from innerloop.cli._tables import read_rows, row_json
from innerloop.evaluation import PowerLaw, power_law
from innerloop.files import write_json
from innerloop.outer._run import provenance
from innerloop.report import Row
from innerloop.workers import cores


def budget(name: str, options: Options, settings: Mapping[str, Any]) -> None:
    """Trains, measures, prints, writes the page and the results."""
    planned = plan(name, options, settings)
    processes = options.processes or cores()
    # the largest first: they tell most while the others are still missing
    train_all(
        [each for jobs in reversed(planned.jobs.values()) for each in jobs],
        options.processes or max(1, processes // options.threads),
    )
    trained = {size: opened([str(each.folder) for each in jobs]) for size, jobs in planned.jobs.items()}
    last = trained[max(trained)]
    out, tasks = Path(options.out), options.tasks or last.experiments[0].recipe.test_tasks
    lines = {size: trained_lines(part.groups, tasks, "test", classes=part.classes) for size, part in trained.items()}
    if last.table:  # these are of the same part of the training tasks
        for size, part in trained.items():
            lines[size] += closed_lines(part.groups[0], tasks, "test")
    free = free_lines(last.groups[0], tasks, "test", classes=last.classes)
    every = [*(line for part in lines.values() for line in part), *free]
    compute_rows([spec for line in every for spec in line.specs], out, processes)
    compute_costs([*lines[max(lines)], *free], out)
    levels = read_rows(free, out)
    places: Places = [
        (size, [*_plain(read_rows(part, out, costs=size == max(lines))), *_plain(levels)])
        for size, part in lines.items()
    ]
    trained_rows = places[-1][1][: len(lines[max(lines)])]
    tuned = fine_tuned(lines[max(lines)], [row.evaluation.name for row in trained_rows])
    found = crossovers(places, planned.unit, tuned)
    laws = fitted(lines, places, out)
    ruled = rulings(places, planned.unit)
    verdict = [*ruled[-1][1].sentences, *said(found), *laws_in_words(laws, planned.unit, places)]
    about = provenance()
    content = {
        "command": about["command"],
        "provenance": about,
        "recipe": last.experiments[0].recipe.to_json(),
        "training_seeds": list(options.seeds),
        "minutes": options.minutes,
        "equal": equal(last),
        "verdict": verdict,
        **range_json(planned.unit, places, found, ruled),
        "laws": {row: law.to_json() for row, law in laws.items()},
        "tables": {"test": [row_json(row) for row in places[-1][1]]},
    }
    write_budget_page(out / "page.html", planned.unit, places, last, levels, laws, found, verdict, about["command"])
    for path in [out / "budget.json", *([Path(options.json)] if options.json else [])]:
        write_json(path, content)
    print(budget_text(places, planned.unit, verdict))
    print(out / "page.html")


def fitted(lines: Mapping[int, list[Line]], places: Places, folder: Path) -> dict[str, PowerLaw]:
    """A curve for every trained row that is there at every size."""
    laws = {}
    sizes = list(lines)
    for number, _ in enumerate(lines[sizes[0]]):
        rows = [part[number] for _, part in places]
        values = []
        for size in sizes:
            entries = [load_row(spec, folder)["evaluation"]["values"] for spec in lines[size][number].specs]
            values.append(np.array([[np.nan if v is None else v for v in entry] for entry in entries], dtype=float))
        laws[rows[0].evaluation.name] = power_law(sizes, values, rows[0].evaluation.higher_is_better)
    return laws


def _plain(rows: Sequence[Row]) -> list[Row]:
    return [replace(row, highlight=False) for row in rows]
