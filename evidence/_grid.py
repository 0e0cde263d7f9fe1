"""Evidence row by row: a file of rows that fills up, and that goes on where it was stopped."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from innerloop.files import read_json, write_whole
from innerloop.outer._run import provenance

Cell = tuple[Any, ...]
Row = dict[str, Any]


def grid(
    path: Path, head: Row, cells: Sequence[Cell], compute: Callable[..., Row], *, key: str = "rows",
    processes: int = 1, threads: int = 1, settings: Callable[..., Row] | None = None,
) -> list[Row]:  # fmt: skip
    """Computes the rows of a grid that are missing and writes the file after each of them.

    Several grids may fill one file at once: what the others have written stays.

    Args:
        path: the JSON file.
        head: what is true for all rows; written beside them.
        cells: arguments of `compute`, one tuple of plain values a row. A row that the file has is not computed again.
        compute: a function at the top of a module. It runs in a process of its own, so that one row's memory is not
            another's.
        key: where the rows are in the file.
        processes: rows computed at once.
        threads: of each process.
        settings: from the arguments of `compute` to plain values that decide the row and are no part of its cell. They
            are written beside it.

    Returns:
        the rows, in the order of the cells.

    Raises:
        SystemExit: if the file has a row of a cell that was made with other settings.
        Exception: what `compute` raised first, after all the others are done.
    """
    rows = _by_cell(_content(path).get(key, ()))
    order = {json.dumps(cell): place for place, cell in enumerate(cells)}
    asked = {} if settings is None else {json.dumps(cell): _plain(settings(*cell)) for cell in cells}
    for name in asked.keys() & rows.keys():
        if kept := _differences(rows[name].get("settings", {}), asked[name]):
            raise SystemExit(
                f"{path} has the row {name} of other settings: {kept}. Delete it there, or take another file."
            )
    missing = [cell for cell in cells if json.dumps(cell) not in rows]
    spawn = multiprocessing.get_context("spawn")
    failed: BaseException | None = None
    with ProcessPoolExecutor(processes, spawn, torch.set_num_threads, (threads,), max_tasks_per_child=1) as pool:
        futures = {pool.submit(compute, *cell): cell for cell in missing}
        try:
            for future in as_completed(futures):
                cell = futures[future]
                if error := future.exception():
                    failed = failed or error
                    continue
                about = {"provenance": provenance() | {"threads": threads, "command": head["command"]}}
                own = {"settings": asked[json.dumps(cell)]} if asked else {}
                row = {"cell": list(cell), **future.result(), **own, **about}
                with _alone(path):
                    content = {**_content(path), **head}
                    rows = _by_cell(content.get(key, ())) | {json.dumps(cell): row}
                    kept = sorted(rows, key=lambda name: order.get(name, len(order)))
                    write(path, {**content, key: [rows[name] for name in kept]})
                print(f"{path.stem}: {cell}, {len(rows)} rows", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    if failed is not None:
        raise failed
    return [rows[json.dumps(cell)] for cell in cells]


def add(path: Path, more: Row) -> None:
    """Puts values beside the rows of a file."""
    with _alone(path):
        write(path, {**_content(path), **more})


def _content(path: Path) -> Row:
    return read_json(path) if path.exists() else {}


def _by_cell(rows: Sequence[Row]) -> dict[str, Row]:
    return {json.dumps(row["cell"]): row for row in rows}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else writes the file meanwhile. The lock is on its folder: the file is replaced when it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _plain(values: Row) -> Row:
    """As a file gives them back."""
    found: Row = json.loads(json.dumps(values))
    return found


def _differences(kept: Row, asked: Row) -> str:
    """What another row was made with, in words."""
    names = [name for name in (asked | kept) if kept.get(name) != asked.get(name)]
    return ", ".join(f"{name} is {kept.get(name)}, and {asked.get(name)} is asked for" for name in names)


def write(path: Path, content: Row) -> None:
    """Writes a results file with one row a line, so that a change shows what is new."""

    def text(value: Any) -> str:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)

    lines = []
    for key, value in content.items():
        rows = isinstance(value, list) and value and isinstance(value[0], dict)
        inside = "[\n  " + ",\n  ".join(map(text, value)) + "\n ]" if rows else text(value)
        lines.append(f" {text(key)}: {inside}")
    write_whole(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
