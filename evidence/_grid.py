"""Evidence row by row: a file of rows that fills up, and that goes on where it was stopped."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch

from innerloop.files import read_json, write_whole
from innerloop.outer._run import provenance

Cell = tuple[Any, ...]
Row = dict[str, Any]


def grid(
    path: Path, head: Row, cells: Sequence[Cell], compute: Callable[..., Row], *, key: str = "rows",
    processes: int = 1, threads: int = 1,
) -> list[Row]:  # fmt: skip
    """Computes the rows of a grid that are missing and writes the file after each of them.

    Args:
        path: the JSON file.
        head: what is true for all rows; written beside them.
        cells: arguments of `compute`, one tuple of plain values a row. A row that the file has is not computed again.
        compute: a function at the top of a module. It runs in a process of its own, so that one row's memory is not
            another's.
        key: where the rows are in the file.
        processes: rows computed at once.
        threads: of each process.

    Returns:
        the rows, in the order of the cells.

    Raises:
        Exception: what `compute` raised first, after all the others are done.
    """
    content = {**(read_json(path) if path.exists() else {}), **head}
    rows = {json.dumps(row["cell"]): row for row in content.get(key, ())}
    order = {json.dumps(cell): place for place, cell in enumerate(cells)}
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
                rows[json.dumps(cell)] = {"cell": list(cell), **future.result(), **about}
                kept = sorted(rows, key=lambda name: order.get(name, len(order)))
                write(path, {**content, key: [rows[name] for name in kept]})
                print(f"{path.stem}: {cell}, {len(rows)} rows", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    if failed is not None:
        raise failed
    return [rows[json.dumps(cell)] for cell in cells]


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
