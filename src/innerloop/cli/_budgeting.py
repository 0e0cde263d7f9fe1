"""Accuracy against the amount of training data: planned, trained, measured, put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from innerloop.cli._budget import Options
from innerloop.cli._columns import columns
from innerloop.cli._comparison import Opened, equal, opened
from innerloop.cli._costs import compute_costs
from innerloop.cli._lines import Line, closed_lines, fine_tuned, free_lines, trained_lines
from innerloop.cli._methods import (
    configured,
    demand,
    demand_possible,
    demand_readers,
    folder_name,
    job,
    train_all,
    usual,
    usual_recipe,
)
from innerloop.cli._pages import table_of
from innerloop.cli._parse import UsageError
from innerloop.cli._ranges import Places, compared, crossovers, range_json, range_of, rulings, said
from innerloop.cli._rows import compute_rows, default_processes, load_row
from innerloop.cli._tables import read_rows, row_json
from innerloop.cli._training import Job
from innerloop.evaluation import Crossover, PowerLaw, power_law
from innerloop.evaluation import _words as words
from innerloop.evaluation._seeds import COVERS
from innerloop.files import write_json
from innerloop.outer._run import provenance
from innerloop.recipes import Recipe
from innerloop.recipes._build_source import build_source
from innerloop.report import Page, Row, write_page

CURVE = (
    "Where a curve is drawn it is a - b n^-c, fitted by least squares; its band is a bootstrap over tasks and training "
    "seeds. What twice the data would bring is read off beyond the last point: an extrapolation. Other parts of the "
    "training data are other points; only several seeds show by how much."
)
SCALED = "The scaling of the table is that of all its training tasks, so that errors are in the same units everywhere."


@dataclass(frozen=True)
class Planned:
    """The trainings of a budget.

    Attributes:
        unit: "training classes" or "training tasks".
        jobs: the trainings for each size, from the smallest.
    """

    unit: str
    jobs: dict[int, list[Job]]


def budget(name: str, options: Options, settings: Mapping[str, Any]) -> None:
    """Trains, measures, prints, writes the page and the results."""
    planned = plan(name, options, settings)
    processes = options.processes or default_processes()
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
    verdict = [*ruled[-1][1].sentences, *said(found), *_laws(laws, planned.unit, places)]
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
    _write_page(out / "page.html", planned.unit, places, last, levels, laws, found, verdict, about["command"])
    for path in [out / "budget.json", *([Path(options.json)] if options.json else [])]:
        write_json(path, content)
    print(_text(places, planned.unit, verdict))
    print(out / "page.html")


def plan(name: str, options: Options, settings: Mapping[str, Any]) -> Planned:
    """The trainings, after everything that can be wrong with them was looked for.

    Raises:
        UsageError or ConfigurationError: for what cannot be asked for, or runs in the way that were made otherwise.
        DataError: if the data cannot be used, or a part of them is too small for a task.
    """
    demand(options, settings)
    shots = usual_recipe(name, settings).shots
    common = configured(name, "maml", settings, 0, shots, options.tasks)
    source = build_source(common)
    supply, ways = source.train.supply(), source.train[0].ways
    if not hasattr(common, f"train_{supply.unit}"):
        raise UsageError(f"The recipe {name!r} has no parts of its training {supply.unit}, so no budget of them.")
    methods = options.methods or usual(ways)
    demand_readers(name, methods, settings)
    sizes = _sizes(options, supply.number, supply.unit)
    jobs: dict[int, list[Job]] = {}
    folder = Path(options.out) / "runs"
    for size in sizes:
        jobs[size] = []
        for seed in options.seeds:
            part = None
            for method in methods:
                chosen, own = _part(name, method, settings, seed, options.tasks, supply.unit, size)
                part = build_source(chosen) if part is None else part
                demand_possible(chosen, part)
                place = folder / folder_name(chosen, f"-{size}{supply.unit}")
                jobs[size].append(job(chosen, place, own, options))
    return Planned(f"training {supply.unit}", jobs)


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


def _sizes(options: Options, count: int | None, unit: str) -> list[int]:
    if options.sizes:
        if count is not None and max(options.sizes) > count:
            raise UsageError(f"--sizes: there are {count:,} training {unit}; got {max(options.sizes):,}.")
        return sorted(set(options.sizes))
    if count is None:
        raise UsageError(
            f"There is no end of training {unit} here, so no part of them: give --sizes, as in --sizes 10 30 100 300."
        )
    return sorted({max(1, round(fraction * count)) for fraction in options.fractions})


def _part(
    name: str, method: str, settings: Mapping[str, Any], seed: int, tasks: int | None, unit: str, size: int
) -> tuple[Recipe, dict[str, Any]]:
    own = {**settings, f"train_{unit}": size}
    chosen = configured(name, method, own, seed, int(settings.get("shots", usual_recipe(name, settings).shots)), tasks)
    ways = getattr(chosen, "train_ways", None)
    if ways is not None and unit == "classes" and ways > size:  # no more ways than there are classes
        own["train_ways"] = size
        chosen = configured(
            name, method, own, seed, int(settings.get("shots", usual_recipe(name, settings).shots)), tasks
        )
    return chosen, own


def _plain(rows: Sequence[Row]) -> list[Row]:
    return [replace(row, highlight=False) for row in rows]


def _laws(laws: Mapping[str, PowerLaw], unit: str, places: Places) -> list[str]:
    largest = places[-1][0]
    accuracy = places[0][1][0].evaluation.higher_is_better
    sentences, without = [], dict[str, list[str]]()
    for name, law in laws.items():
        if not law.sound:
            without.setdefault(law.reason, []).append(name)
            continue
        more, low, high = (words.change(number, accuracy) for number in law.doubling)
        level = words.value(law.plateau[0], accuracy, 3)
        sentences.append(
            f"{name}: twice the {largest:,} {unit} would change it by about "
            f"{more}{words.points(accuracy)} (95 % interval {low} to {high}), towards {level} in the end."
        )
    reasons = [f"No curve is drawn for {', '.join(names)}: {reason}." for reason, names in without.items()]
    return [*sentences, *reasons]


def _write_page(
    path: Path,
    unit: str,
    places: Places,
    last: Opened,
    levels: list[Row],
    laws: Mapping[str, PowerLaw],
    found: Mapping[str, Crossover],
    verdict: list[str],
    command: str,
) -> None:
    experiment, (largest, rows) = last.experiments[0], places[-1]
    name = experiment.source.test.describe()["name"]
    own = rows[0].evaluation
    caption = f"Each point is a training of its own on a part of the {unit}; smaller parts are within larger ones."
    notes = [CURVE] if experiment.source.train.supply().unit == "classes" else [CURVE, SCALED]
    page = Page(
        title=f"{name[:1].upper()}{name[1:]}: how many {unit}?",
        lead=f"{len(last.groups)} learners were trained on {len(places)} parts of the {unit}, from {places[0][0]:,} to "
        f"{largest:,}, and met {len(own.values):,} test tasks that they had never seen.",
        verdict=verdict,
        tables=[table_of(f"With {largest:,} {unit}", own, rows, compared(rows))],
        ranges=[range_of(f"Over the {unit}", caption, unit, places, said(found), laws, levels, notes)],
        facts=[("Training seeds", ", ".join(str(seed) for seed in last.groups[0].seeds))],
        command=command,
        notes=[COVERS, *equal(last)],
        ranges_first=True,
    )
    write_page(path, page)


def _text(places: Places, unit: str, verdict: list[str]) -> str:
    names = list(dict.fromkeys(row.evaluation.name for _, rows in places for row in rows))
    cells = [[unit, *(f"{size:,}" for size, _ in places)]]
    for name in names:
        line = [name]
        for _, rows in places:
            row = next((row for row in rows if row.evaluation.name == name), None)
            if row is None:
                line.append("-")
                continue
            line.append(words.result(row.evaluation.interval, row.evaluation.higher_is_better))
        cells.append(line)
    return "\n".join([*columns(cells), "", COVERS, "", *verdict])
