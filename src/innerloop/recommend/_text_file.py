"""Reading a delimited text file in chunks, and saying at which line it is no such file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from innerloop.errors import DataError
from innerloop.recommend import _cells
from innerloop.recommend._cells import Cells, Chunk, number

DELIMITERS = ("::", ",", ";", "\t", "|")
"""What may separate cells; the one that the first line has most of does, unless it is named."""


def text_file(
    path: str | Path, *, delimiter: str | None = None, encoding: str = "utf-8", header: Sequence[str] | None = None,
    least: int = 2,
) -> Cells:  # fmt: skip
    """A delimited text file, for `read_table`, where its defaults do not fit.

    Cells may be quoted as in CSV, except where the delimiter has two characters. Blank lines are left out.

    Args:
        path: the file.
        delimiter: what separates cells; None: whichever of `::`, comma, semicolon, tab and `|` the first line has most.
        encoding: of the text; a byte order mark is left out. "latin-1" reads any file, rightly or wrongly.
        header: names of the columns of a file without a header line; None: its first line has them.
        least: columns that there must be: with fewer, the delimiter was probably another one.

    Raises:
        DataError: if there is no such file, or its beginning is no table; what is wrong further down is said when the
            table is read. It names the line.
    """
    path, name = Path(path), repr(str(path))
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    with _clear(path, codec):
        with open(path, newline="", encoding=codec) as file:
            line = next((line for line in file if line.strip()), "")
        if not line:
            raise DataError(f"{name} is empty; expected a header line and rows below it. Export the table again.")
        between = delimiter or max(DELIMITERS, key=lambda mark: line.count(mark) * len(mark))
        at, first = next(_rows(path, codec, between))
    if any("\0" in cell for cell in first):
        raise DataError(
            f"{name}, line {at}: this is no text, or in another encoding than {encoding}. Save it as UTF-8, or name "
            "its encoding, for instance text_file(path, encoding='utf-16')."
        )
    names = tuple(header) if header else tuple(cell or f"column {n}" for n, cell in enumerate(first, start=1))
    if len(names) < least or len(first) < least:
        raise DataError(
            f"{name}, line {at}: there is one column, {first[0][:40]!r}; expected at least {least}. Cells are "
            f"separated by {', '.join(map(repr, DELIMITERS))}: name another with text_file(path, delimiter=...)."
        )
    if header is None and all(number(cell) == number(cell) for cell in first):
        raise DataError(
            f"{name}, line {at}: expected names of columns; got numbers, {first}. Add a header line, or name the "
            "columns with text_file(path, header=[...])."
        )

    def chunks() -> Iterator[Chunk]:
        with _clear(path, codec):
            rows = _rows(path, codec, between)
            if header is None:
                next(rows)
            yield from _chunks(rows, names, name)

    return Cells(name, "line", names, chunks)


def _chunks(rows: Iterator[tuple[int, list[str]]], names: Sequence[str], name: str) -> Iterator[Chunk]:
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(
                f"{name}, line {line}: expected {len(names)} cells, as many as columns; got {len(row)}. Put cells that "
                "hold the separator into double quotes, or correct the line."
            )
        lines.append(line)
        cells.append(row)
        if len(cells) == _cells.CHUNK:
            yield _chunk(lines, cells, names)
            lines, cells = [], []
    if cells:
        yield _chunk(lines, cells, names)


def _chunk(lines: list[int], rows: list[list[str]], names: Sequence[str]) -> Chunk:
    return Chunk(lines, dict(zip(names, zip(*rows, strict=True), strict=True)))


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of its first line."""
    with open(path, newline="", encoding=encoding) as file:
        if len(delimiter) > 1:
            for at, line in enumerate(file, start=1):
                if line.strip():
                    yield at, line.rstrip("\r\n").split(delimiter)
            return
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
        before = 0
        try:
            for row in reader:
                if row and (len(row) > 1 or row[0].strip()):
                    yield before + 1, row
                before = reader.line_num
        except csv.Error as error:
            raise DataError(
                f"{str(path)!r}, line {before + 1}: the row that begins here cannot be read ({error}). A quoted cell "
                "ends with one double quote, and has two where the text has one."
            ) from error


@contextmanager
def _clear(path: Path, encoding: str) -> Iterator[None]:
    """Says what is wrong with a file in the house's words."""
    try:
        yield
    except LookupError as error:
        raise DataError(f"There is no encoding {encoding!r}; use for instance 'utf-8' or 'latin-1'.") from error
    except UnicodeError as error:
        line, what = _undecodable(path, encoding)
        raise DataError(
            f"{str(path)!r}, line {line}: this is not {encoding.removesuffix('-sig')} ({what}). Save the file as "
            "UTF-8, or name its encoding, for instance text_file(path, encoding='latin-1')."
        ) from error
    except IsADirectoryError as error:
        inside = sorted(entry.name for entry in path.iterdir())[:5]
        raise DataError(
            f"{str(path)!r} is a folder, with {', '.join(inside) or 'nothing'} in it; expected a file. Name the file."
        ) from error
    except OSError as error:
        raise DataError(f"Cannot read {str(path)!r}: {error.strerror or error}. Expected a table in a file.") from error


def _undecodable(path: Path, encoding: str) -> tuple[int, str]:
    """The first line that cannot be decoded, and why: the decoder itself works in blocks and does not know it."""
    with open(path, "rb") as file:
        for at, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                return at, f"{error.reason}: byte 0x{line[error.start]:02x} after {error.start} bytes of the line"
            except UnicodeError as error:
                return at, str(error)
    return 1, "its lines cannot be told apart"
