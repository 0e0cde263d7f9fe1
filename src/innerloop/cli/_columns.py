"""Cells as lines of a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell.

    >>> columns([["", "accuracy"], ["MAML", "87.3 %"]])
    ['      accuracy', 'MAML  87.3 %']
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
