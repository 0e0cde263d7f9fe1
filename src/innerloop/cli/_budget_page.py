"""A budget of data in words, and its page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from innerloop.cli._columns import columns
from innerloop.cli._opened import Opened, equal
from innerloop.cli._pages import table_of
from innerloop.cli._ranges import Places, compared, range_of, said
from innerloop.evaluation import Crossover, PowerLaw
from innerloop.evaluation import _words as words
from innerloop.evaluation._seeds import COVERS
from innerloop.report import Page, Row, write_page

CURVE = (
    "Where a curve is drawn it is a - b n^-c, fitted by least squares; its band is a bootstrap over tasks and training "
    "seeds. What twice the data would bring is read off beyond the last point: an extrapolation. Other parts of the "
    "training data are other points; only several seeds show by how much."
)
SCALED = "The scaling of the table is that of all its training tasks, so that errors are in the same units everywhere."


def laws_in_words(laws: Mapping[str, PowerLaw], unit: str, places: Places) -> list[str]:
    """What twice the data would bring, and where no curve says so."""
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


def write_budget_page(
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
    """Writes the page of a budget.

    Args:
        path: the file.
        unit: of the parts, such as "training classes".
        places: the rows of each part.
        last: the runs of the largest part.
        levels: rows that need no training.
        laws: curves, by row.
        found: where the sides meet.
        verdict: sentences.
        command: what made it.
    """
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


def budget_text(places: Places, unit: str, verdict: list[str]) -> str:
    """For a terminal."""
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
