"""Markdown of results: cells, tables, and the line that says where numbers come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def load(name: str) -> Any:
    """A results file."""
    return json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))


def markdown(lines: list[list[str]]) -> str:
    """Rows of cells as a table; the first row is the head."""
    head, *body = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|" + "---|" * len(lines[0]), *body])


def about(provenance: dict[str, Any], seeds: int, *extra: str, device: str = "cpu") -> str:
    """Where numbers come from, in a line."""
    threads = f"{provenance['threads']} thread{'s' if provenance['threads'] > 1 else ''} of a CPU"
    said = [
        f"{seeds} training seed{'s' if seeds > 1 else ''}",
        f"torch {provenance['torch']}",
        threads if device == "cpu" else device,
        *extra,
    ]
    return "; ".join(said) + "."


def number(mean: float, half: float, accuracy: bool = True) -> str:
    """A mean with its half-width: per cent for accuracies."""
    scale, digits = (100, ".1f") if accuracy else (1, ".3g")
    return f"{scale * mean:{digits}} ± {scale * half:{digits}}"
