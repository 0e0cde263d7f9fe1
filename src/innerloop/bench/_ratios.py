"""What the rows of one workload say about each other."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def with_ratios(rows: Sequence[Row]) -> list[Row]:
    """The rows with medians, and with speed and memory against the fastest peer.

    A speed is the median over rounds of (time of the peer) / (time of the row) in the same round, so that a slow moment
    of the machine counts for both; more than 1 is faster than the peer. A memory is peak / peak of the peer.

    Args:
        rows: each with "implementation", "peer", "allocator" and either "error" or "seconds", one per round.

    >>> fast = {"implementation": "a", "peer": False, "allocator": "default", "seconds": [1.0, 2.0]}
    >>> slow = {**fast, "implementation": "b", "peer": True, "seconds": [3.0, 6.0], "peak_megabytes": 10}
    >>> fast["peak_megabytes"] = 9
    >>> with_ratios([fast, slow])[0]["same_allocator"]
    {'peer': 'b', 'speed': 3.0, 'memory': 0.9}
    """
    found = []
    for row in rows:
        if "error" not in row:
            row = row | {"median_seconds": statistics.median(row["seconds"])}
            for key, allocator in (("same_allocator", row["allocator"]), ("as_installed", "default")):
                peer = fastest_peer(rows, allocator)
                if peer is not None:
                    row[key] = _against(row, peer)
        found.append(row)
    return found


def fastest_peer(rows: Iterable[Row], allocator: str) -> Row | None:
    """The fastest of the other libraries under an allocator setting, if any was timed there."""
    timed = [row for row in rows if row["peer"] and row["allocator"] == allocator and "error" not in row]
    return min(timed, key=lambda row: statistics.median(row["seconds"]), default=None)


def _against(row: Row, peer: Row) -> dict[str, Any]:
    pairs = zip(peer["seconds"], row["seconds"], strict=True)
    memory = row["peak_megabytes"] / peer["peak_megabytes"] if peer["peak_megabytes"] else None
    return {
        "peer": peer["implementation"],
        "speed": statistics.median(theirs / ours for theirs, ours in pairs),
        "memory": memory,
    }
