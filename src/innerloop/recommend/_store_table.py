"""A table of events that does not fit in memory, sorted by user: read once, user after user, into a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._cells import Cells
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._frames import open_table
from innerloop.recommend._measures import Duplicates, Measures, single
from innerloop.recommend._numbering import Names, inverse, whole
from innerloop.recommend._roles import Roles, roles_of
from innerloop.recommend._schema import Schema
from innerloop.recommend._side import Known, Unknown
from innerloop.recommend._store import Stored, StoreWriter, open_store


def store_table(
    table: object, folder: str | Path, *, schema: Schema | None = None, roles: Mapping[str, str | None] | None = None,
    unknown: Unknown = "refuse", duplicates: Duplicates = "refuse",
) -> Stored:  # fmt: skip
    """Stores the events of a table that is sorted by user, some thousand rows at a time.

    The events are those of `read_table`, except that users are numbered in the order of the table. Features of items
    are few and stay with `read_table`: infer the schema from a part of the table and the table of items, and give it
    here, so that items have the same numbers.

    Args:
        table: as for `read_table`; a text file or Parquet file is never in memory as a whole.
        folder: new or empty.
        schema: names of the items, and what columns mean; None: inferred, without features.
        roles: columns by role, without a schema.
        unknown: what to do with an item that is not in the schema: "refuse", "drop" its rows, or "keep" it.
        duplicates: what to do with several events of one user and one item: "refuse", keep the "first" or the "last".

    Raises:
        DataError: if rows are not sorted by user (by number or by text), or anything else is not as it must be; one
            line that names the row and the remedy.
        ConfigurationError: if there is something in the folder, or both schema and roles are given.
        InnerloopError: if it cannot be written; nothing is left behind.

    >>> import tempfile
    >>> table = {"user": ["ann", "ann", "bob"], "item": [7, 3, 7], "rating": [4, 5, 2], "time": [2, 1, 1]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = store_table(table, f"{folder}/events")
    ...     print(list(stored.users()), stored.schema.items, stored.events.item.tolist())
    ['ann', 'bob'] ('3', '7') [0, 1, 1]
    """
    if schema is not None and roles:
        raise ConfigurationError("A schema says what columns mean; leave roles out, or leave the schema out.")
    source = open_table(table)
    chosen = roles_of(source, None, roles or {}) if schema is None else schema.roles
    for role in ("user", "item", "value", "time"):
        if (column := getattr(chosen, role)) is not None:
            source.demand(column, role)
    item = Known("item", None if schema is None else schema.items, unknown, chosen.item)
    measures = Measures(source, chosen, None if schema is None else schema.range)
    low, high = np.inf, -np.inf
    with StoreWriter(folder) as writer:
        for users, rows in _whole_users(_parts(source, chosen, item, measures)):
            kept = single(rows.user, rows.item, rows.time, rows.line, duplicates, source, (chosen.user, chosen.item))
            low, high = min(low, rows.value.min(initial=low)), max(high, rows.value.max(initial=high))
            part = Events.of(
                rows.user[kept], rows.item[kept], rows.value[kept], rows.time[kept],
                users=len(users), items=len(item.names.known), explicit=chosen.value is not None,
            )  # fmt: skip
            writer.add(part, users)
        if low > high:
            raise DataError(
                f"{source.name} has no events, or none of a known item; expected at least one. Export it again."
            )
        order = item.order()
        names = [item.names.known[place] for place in order.tolist()]
        if schema is None:
            range_ = (float(low), float(high)) if chosen.value is not None else None
            schema = Schema(Roles(chosen.user, chosen.item, chosen.value, chosen.time), tuple(names), range=range_)
        writer.finish(schema.extended(names), inverse(order, len(item.names.known)))
    return open_store(folder)


class _Rows(NamedTuple):
    """Columns of events, `(N,)` each; `line` is the row of the table."""

    user: Whole
    item: Whole
    value: Real
    time: Real
    line: Whole

    def where(self, kept: NDArray[np.bool_]) -> _Rows:
        """The rows that are True."""
        return _Rows(self.user[kept], self.item[kept], self.value[kept], self.time[kept], self.line[kept])

    def followed_by(self, other: _Rows) -> _Rows:
        """These rows, then the others."""
        return _Rows(
            np.concatenate([self.user, other.user]),
            np.concatenate([self.item, other.item]),
            np.concatenate([self.value, other.value]),
            np.concatenate([self.time, other.time]),
            np.concatenate([self.line, other.line]),
        )


Part = tuple[list[str], _Rows]
"""Names of users, and rows of users 0, 1, ... in the same order."""


def _parts(source: Cells, roles: Roles, item: Known, measures: Measures) -> Iterator[Part]:
    """The chunks of a table; a user may begin in one and end in the next."""
    ascending = _Ascending(source, roles.user)
    for chunk in source.chunks():
        names = Names()
        who = names.numbers(chunk.columns[roles.user], source, chunk.lines, roles.user, "the user")
        ascending.check(who, names.known, chunk.lines)
        what = item.names.numbers(chunk.columns[roles.item], source, chunk.lines, roles.item, "the item")
        kept = item.kept(source, roles.item, what, chunk)
        value, time = measures.read(chunk)
        rows = _Rows(who, what, value, time, np.array(chunk.lines, np.int64))
        yield names.known, rows.where(kept)


def _whole_users(parts: Iterator[Part]) -> Iterator[Part]:
    """The same rows in parts of whole users: the last user of a part waits for the next."""
    waiting: Part | None = None
    for names, rows in parts:
        if waiting is not None:
            before, held = waiting
            shift = len(before) - (before[-1] == names[0])
            names = before + names[len(before) - shift :]
            rows = held.followed_by(rows._replace(user=rows.user + shift))
        last = rows.user == len(names) - 1
        if len(names) > 1:
            yield names[:-1], rows.where(~last)
        own = rows.where(last)
        waiting = names[-1:], own._replace(user=np.zeros_like(own.user))
    if waiting is not None:
        yield waiting


class _Ascending:
    """Whether users come in order, by number or by text: then none comes a second time."""

    def __init__(self, table: Cells, column: str):
        self.table, self.column = table, column
        self.by_number = self.by_text = True
        self.last: str | None = None

    def check(self, who: Whole, names: list[str], lines: Sequence[int]) -> None:
        """Checks a chunk, whose users are numbered as they come.

        Raises:
            DataError: at the first row that is out of order.
        """
        rows: list[int] = np.unique(who, return_index=True)[1].tolist()
        back = np.flatnonzero(np.diff(who) < 0)
        if len(back):
            rows.append(int(back[0]) + 1)
        for row in sorted(rows):
            name = names[who[row]]
            if self.last is not None and not (row == 0 and name == self.last):
                self.by_text &= self.last < name
                self.by_number &= whole(self.last) and whole(name) and int(self.last) < int(name)
                if not (self.by_text or self.by_number):
                    self.table.refuse(
                        lines[row], self.column, f"a user after {self.last!r}, since rows must be sorted by user", name,
                        "Sort the table by user, or read it with read_table and store its events with store_events.",
                    )  # fmt: skip
            self.last = name
