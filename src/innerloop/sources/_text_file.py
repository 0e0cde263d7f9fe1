"""Reading texts with their labels from a CSV or JSON file, each text once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from innerloop.errors import DataError
from innerloop.sources._table_file import read_table


class LabelledText(NamedTuple):
    """A text with its class, and where it stands."""

    text: str
    label: str
    place: str


def read_texts(path: str | Path, text: str = "text", label: str = "label") -> list[LabelledText]:
    """The rows of a CSV file, or of a JSON list of objects or of `[text, label]` pairs.

    Args:
        path: the file; JSON if its name ends so, a table with a header line otherwise.
        text: name of the column, or of the entry, with the text.
        label: name of the one with the class.

    Raises:
        DataError: if the file cannot be read, or a row lacks its text or its label; it names the row.
    """
    if str(path).lower().endswith(".json"):
        return labelled(_from_json(Path(path), text, label), str(path))
    table = read_table(path, least=2)
    for name in (text, label):
        if name not in table.columns:
            raise DataError(
                f"{path} has no column {name!r}; it has {', '.join(map(repr, table.columns))}. Name the columns of "
                "the text and of its label."
            )
    rows = zip(table.columns[text], table.columns[label], table.lines, strict=True)
    return [_checked(LabelledText(t, y, f"{path}, line {line}")) for t, y, line in rows]


def labelled(pairs: Sequence[Any], what: str = "the pairs") -> list[LabelledText]:
    """Pairs of text and label, checked.

    Raises:
        DataError: if one of them is none.
    """
    found = []
    for number, pair in enumerate(pairs, start=1):
        place = f"{what}, entry {number}"
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise DataError(f"{place}: expected a text and a label; got {pair!r}.")
        found.append(_checked(LabelledText(pair[0], str(pair[1]), place)))
    return found


def without_repeats(rows: Sequence[LabelledText]) -> list[LabelledText]:
    """The rows with each text once: a repeat within a class is dropped, and a text of several classes altogether.

    The same text in support and query would be no test, and one under two labels says nothing of either.

    >>> rows = [LabelledText(*pair, "") for pair in (("a", "x"), ("b", "x"), ("a", "x"), ("c", "x"), ("c", "y"))]
    >>> [row.text for row in without_repeats(rows)]
    ['a', 'b']
    """
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row.text, set()).add(row.label)
    once = {row.text: row for row in reversed(rows)}
    return [row for row in rows if once[row.text] is row and len(labels[row.text]) == 1]


def _from_json(path: Path, text: str, label: str) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"Cannot read the texts {str(path)!r}: {error}. Expected a JSON list of [text, label] pairs, or of objects."
        ) from error
    if not isinstance(content, list):
        raise DataError(
            f"{str(path)!r} holds a {type(content).__name__}; expected a list of [text, label] pairs, or of objects."
        )
    pairs = []
    for number, entry in enumerate(content, start=1):
        if isinstance(entry, Mapping):
            missing = next((name for name in (text, label) if name not in entry), None)
            if missing is not None:
                raise DataError(
                    f"{path}, entry {number} has no {missing!r}; it has {', '.join(map(repr, entry))}. Name the "
                    "entries of the text and of its label."
                )
            entry = [entry[text], entry[label]]
        pairs.append(entry)
    return pairs


def _checked(row: LabelledText) -> LabelledText:
    if not isinstance(row.text, str) or not row.text.strip():
        raise DataError(f"{row.place}: expected a text; got {row.text!r}. Write one, or remove the row.")
    if not row.label.strip():
        raise DataError(f"{row.place}: expected a label for {row.text!r}; got none. Write one, or remove the row.")
    return row
