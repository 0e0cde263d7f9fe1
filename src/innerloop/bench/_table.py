"""The result as tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table

LEGEND = (
    "speed, memory: against the fastest peer with the same allocator; inst.: speed against the fastest peer as "
    "installed; +MB: peak above import and the first step on one task; *: the mapping that the library picks"
)


def tables(result: dict[str, Any]) -> list[Table]:
    """One table per workload: times, speed and memory against the fastest peer, fraction of the machine's peak."""
    return [_table(workload) for workload in result["workloads"]]


def failures(workload: dict[str, Any]) -> list[str]:
    """A line for every row that failed."""
    return [
        f"{row['implementation']} ({row['allocator']} allocator) failed on {workload['name']}: {row['error']}"
        for row in workload["rows"]
        if "error" in row
    ]


def cells(row: dict[str, Any]) -> dict[str, str]:
    """A row in words by column; `failures` has the errors of rows that failed."""
    found = {
        "implementation": row["implementation"] + (" *" if row.get("picked") else ""),
        "alloc.": row["allocator"],
        "ms": "failed" if "error" in row else "-",
        **dict.fromkeys(("speed", "inst.", "MB", "+MB", "memory", "% peak"), "-"),
    }
    if "error" in row:
        return found
    same, installed = row.get("same_allocator"), row.get("as_installed")
    found |= {
        "ms": f"{1000 * row['median_seconds']:.3g}",
        "MB": f"{row['peak_megabytes']:.0f}",
        "+MB": f"{row['peak_megabytes'] - row['baseline_megabytes']:.0f}",
        "% peak": f"{100 * row['fraction_of_peak']:.2g}",
    }
    if installed:
        found["inst."] = f"{installed['speed']:.2f}"
    if same:
        found |= {"speed": f"{same['speed']:.2f}", "memory": f"{same['memory']:.2f}" if same["memory"] else "-"}
    return found


def _table(workload: dict[str, Any]) -> Table:
    title = f"{workload['name']}: {workload['title']}"
    table = Table(title=title, title_justify="left", caption=LEGEND, caption_justify="left", box=box.SIMPLE)
    body = [cells(row) for row in workload["rows"]]
    for number, heading in enumerate(body[0]):
        table.add_column(heading, justify="left" if number < 2 else "right", overflow="fold", no_wrap=number < 2)
    table.padding = (0, 1, 0, 0)
    for line in body:
        table.add_row(*line.values())
    return table
