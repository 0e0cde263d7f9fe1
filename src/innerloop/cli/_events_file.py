"""One user's events from a CSV file."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from innerloop.errors import DataError, closest


def read_events(path: Path, names: list[str], *, rated: bool) -> tuple[list[int], list[float] | None]:
    """Numbers of the items in the order of time, and their ratings (None where none were learned).

    Args:
        path: a CSV file with the columns item, rating (if `rated`) and, if need be, time.
        names: of the items that the model knows.
        rated: whether ratings are wanted.

    Raises:
        DataError: naming the line and the remedy.
    """
    numbers = {name: number for number, name in enumerate(names)}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"Could not read {path}: {error}. Check the file.") from error
    wanted = ["item", *(["rating"] if rated else [])]
    for column in wanted:
        if rows and column not in rows[0]:
            raise DataError(
                f"{path} has no column {column!r}; it needs {', '.join(wanted)}. Name it in the first line."
            )
    found: dict[int, tuple[float, float]] = {}
    for line, row in enumerate(rows, 2):
        name = (row["item"] or "").strip()
        if name not in numbers:
            raise DataError(
                f"{path}, line {line}: the model knows no item {name!r}. Leave the line out.{closest(name, names)}"
            )
        if numbers[name] in found:
            raise DataError(f"{path}, line {line}: a second event with item {name!r}. Keep the latest one.")
        value = _number(path, line, "rating", row["rating"]) if rated else 1.0
        time = _number(path, line, "time", row["time"]) if "time" in row else float(line)
        found[numbers[name]] = (time, value)
    items = sorted(found, key=lambda item: found[item][0])
    return items, [found[item][1] for item in items] if rated else None


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{path}, line {line}: {column} must be a number; got {text!r}. Correct it, or leave it out.")
    return value
