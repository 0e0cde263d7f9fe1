"""Rows over a range, of shots or of training classes: the chart, the numbers, and where one side catches up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from innerloop.cli._tables import finite
from innerloop.evaluation import Comparison, Crossover, PowerLaw, Ruling, comparison, crossover, ruling
from innerloop.evaluation._crossover import NOT_CORRECTED
from innerloop.evaluation._words import counted
from innerloop.report import Course, Range, Row

Places = Sequence[tuple[int, list[Row]]]
"""(number of shots, the rows there), ..."""


def families_of(places: Places) -> dict[str, str]:
    """Family of every row, by its name."""
    return {row.evaluation.name: row.family for _, rows in places for row in rows}


def compared(rows: list[Row]) -> Comparison:
    """The rows as a comparison."""
    return comparison({row.evaluation.name: row.evaluation for row in rows})


def crossovers(places: Places, unit: str, tuned: str | None = None) -> dict[str, Crossover]:
    """Where the sides meet: the best transfer row against the best meta-learned one, and fine-tuning by itself.

    Args:
        places: the rows at each place.
        unit: what the places count.
        tuned: name of the fine-tuned row; None: there is none.
    """
    found = [(at, compared(rows)) for at, rows in places]
    families = families_of(places)
    both = {"best transfer row": crossover(found, families, unit)}
    if tuned is not None and any(m.transfer != tuned for m in both["best transfer row"].meetings):
        both["fine-tuning"] = crossover(found, families, unit, tuned, "fine-tuning")
    return both


def said(found: Mapping[str, Crossover]) -> list[str]:
    """The crossovers in sentences; those about fine-tuning alone say so."""
    lines = []
    for name, one in found.items():
        sentences = one.sentences()
        if sentences and name != "best transfer row":
            sentences[0] = f"{name[0].upper()}{name[1:]} by itself: {sentences[0][0].lower()}{sentences[0][1:]}"
        if sentences:
            lines.append(" ".join(sentences))
    return lines


def rulings(places: Places, unit: str) -> list[tuple[int, Ruling]]:
    """Which side wins at each place."""
    found = []
    for at, rows in places:
        spent = {row.evaluation.name: row.spent for row in rows if row.spent is not None}
        families = {row.evaluation.name: row.family for row in rows}
        found.append((at, ruling(compared(rows), families, spent, f"at {counted(at, unit)}")))
    return found


def range_of(
    title: str,
    caption: str,
    unit: str,
    places: Places,
    verdicts: list[str],
    laws: Mapping[str, PowerLaw] | None = None,
    levels: Sequence[Row] = (),
    notes: Sequence[str] = (),
) -> Range:
    """What a page shows of the places.

    Args:
        title: heading.
        caption: what was varied.
        unit: what the places count.
        places: the rows at each place.
        verdicts: in words.
        laws: fitted curves, by row.
        levels: rows that do not depend on the place.
        notes: remarks.
    """
    courses = [
        Course(name, family, _points(places, name), (laws or {}).get(name))
        for name, family in families_of(places).items()
        if family != "trivial" and name not in [row.evaluation.name for row in levels]
    ]
    accuracy = places[0][1][0].evaluation.higher_is_better

    def last(course: Course) -> float:
        mean = course.points[-1][1]
        return (-mean if accuracy else mean) if math.isfinite(mean) else math.inf

    shown = [(row.evaluation.name, row.family, row.evaluation.mean) for row in levels if row.family != "trivial"]
    return Range(
        title, caption, unit, places[0][1][0].evaluation.metric, sorted(courses, key=last), verdicts, shown,
        [NOT_CORRECTED, *notes],
    )  # fmt: skip


def range_json(
    unit: str, places: Places, found: Mapping[str, Crossover], ruled: Sequence[tuple[int, Ruling]]
) -> dict[str, Any]:
    """The places for a results file: means and intervals, not the value of every task."""
    rows = []
    for name, family in families_of(places).items():
        points = []
        for at, here in places:
            for row in here:
                if row.evaluation.name == name:
                    points.append({"at": at, **_summary(row)})
        rows.append({"name": name, "family": family, "points": points})
    return {
        "unit": unit,
        "metric": places[0][1][0].evaluation.metric,
        "values": [at for at, _ in places],
        "rows": rows,
        "crossovers": {name: one.to_json() for name, one in found.items()},
        "rulings": [
            {"at": at, "winner": one.winner, "best": one.best, "sentences": one.sentences} for at, one in ruled
        ],
    }


def _summary(row: Row) -> dict[str, Any]:
    kept = row.evaluation.to_json()
    return {
        **{name: kept[name] for name in ("mean", "half", "seeds", "norm")},
        "spread": finite(row.evaluation.spread),
        "note": row.note,
        "trained_seconds": row.trained_seconds or None,
        "adapt_seconds": None if row.spent is None else row.spent.adapt_seconds,
    }


def _points(places: Places, name: str) -> list[tuple[float, float, float, float | None]]:
    return [
        (float(at), *row.evaluation.interval, row.evaluation.spread)
        for at, rows in places
        for row in rows
        if row.evaluation.name == name
    ]
