"""Tables that are no text files: frames of pandas, polars and pyarrow, Parquet files, columns in a dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from innerloop.errors import DataError
from innerloop.extras import optional
from innerloop.recommend import _cells
from innerloop.recommend._cells import Cell, Cells, Chunk
from innerloop.recommend._text_file import text_file

PARQUET = (".parquet", ".pq")


def open_table(table: object) -> Cells:
    """A table, whatever it is in.

    Args:
        table: path of a text file or of a Parquet file, a frame of pandas, polars or pyarrow, a mapping from names of
            columns to their cells, or what `text_file` returns.

    Raises:
        DataError: if it is none of these, or cannot be read.
        ConfigurationError: if pyarrow, which reads Parquet, is missing; it names the extra.
    """
    if isinstance(table, Cells):
        return table
    if isinstance(table, str | Path):
        return _parquet(Path(table)) if Path(table).suffix.lower() in PARQUET else text_file(table)
    if isinstance(table, Mapping):
        return _columns(table)
    library = type(table).__module__.partition(".")[0]
    # of the type: a lazy frame would work out its columns
    if library in _FRAMES and hasattr(type(table), "columns"):
        return _FRAMES[library](table)
    raise DataError(
        f"Expected a table: a path, a frame of pandas, polars or pyarrow, or a dict of columns; got {type(table)}."
    )


def _sliced(name: str, header: Sequence[object], rows: int, cells: Any) -> Cells:
    """A table in memory, `cells(column, first, end)` of which are a list."""
    names = tuple(str(column) for column in header)

    def chunks() -> Iterator[Chunk]:
        for first in range(0, rows, _cells.CHUNK):
            end = min(first + _cells.CHUNK, rows)
            yield Chunk(range(first + 1, end + 1), {name: cells(at, first, end) for at, name in enumerate(names)})

    if not names:
        raise DataError(f"{name} has no columns; expected at least a user and an item.")
    return Cells(name, "row", names, chunks)


def _columns(table: Mapping[Any, Any]) -> Cells:
    columns = {name: cells if isinstance(cells, Sequence) else list(cells) for name, cells in table.items()}
    lengths = {str(name): len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"Every column of a table needs the same number of rows; got {lengths}.")
    data: list[Sequence[Cell]] = list(columns.values())
    rows = next(iter(lengths.values()), 0)
    return _sliced("the table", list(columns), rows, lambda at, first, end: data[at][first:end])


def _pandas(frame: Any) -> Cells:
    return _sliced(
        "the pandas frame", frame.columns, len(frame), lambda at, first, end: frame.iloc[first:end, at].tolist()
    )


def _polars(frame: Any) -> Cells:
    whole = frame.collect() if hasattr(frame, "collect") else frame
    return _sliced(
        "the polars frame", whole.columns, whole.height,
        lambda at, first, end: whole.to_series(at).slice(first, end - first).to_list(),
    )  # fmt: skip


def _arrow(table: Any) -> Cells:
    return _sliced(
        "the pyarrow table", table.column_names, table.num_rows,
        lambda at, first, end: table.column(at).slice(first, end - first).to_pylist(),
    )  # fmt: skip


_FRAMES = {"pandas": _pandas, "polars": _polars, "pyarrow": _arrow}


def _parquet(path: Path) -> Cells:
    parquet, arrow = optional("pyarrow.parquet", "recommend"), optional("pyarrow", "recommend")
    name = repr(str(path))

    def error(caught: Exception) -> DataError:
        said = str(caught).splitlines()[0]
        return DataError(f"Cannot read {name} as Parquet: {said}. Write it again, or save the table as CSV.")

    try:
        file = parquet.ParquetFile(path)
    except (OSError, arrow.ArrowException) as caught:
        raise error(caught) from caught
    names = tuple(file.schema_arrow.names)

    def chunks() -> Iterator[Chunk]:
        first = 1
        try:
            for batch in file.iter_batches(batch_size=_cells.CHUNK):
                cells = {name: column.to_pylist() for name, column in zip(names, batch.columns, strict=True)}
                yield Chunk(range(first, first + batch.num_rows), cells)
                first += batch.num_rows
        except (OSError, arrow.ArrowException) as caught:
            raise error(caught) from caught

    return Cells(name, "row", names, chunks)
