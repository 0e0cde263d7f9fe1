"""More events than fit in memory: columns in files that are mapped into memory, one user after another."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from innerloop.errors import CheckpointError, ConfigurationError, DataError
from innerloop.files import not_written, read_json, write_json
from innerloop.recommend._events import Events, Whole
from innerloop.recommend._schema import Schema

VERSION = 1
"""Of the folder."""
COLUMNS = {"user": "<i8", "item": "<i8", "value": "<f8", "time": "<f8"}


@dataclass(frozen=True, eq=False)
class Stored:
    """Events in files: only what is looked at is in memory.

    Args:
        events: whose columns are mapped from the files; changing them in memory does not change the files.
        schema: of the table that they came from; None if they came without.
        folder: where they are.
    """

    events: Events
    schema: Schema | None
    folder: Path
    _maps: tuple[mmap.mmap, ...] = field(repr=False, default=())

    def release(self) -> None:
        """Gives back the memory of pages that were looked at; they are read again when they are needed.

        The system does so by itself when memory is short. A long training that calls it now and then keeps what it
        holds flat.
        """
        for mapped in self._maps:
            if hasattr(mmap, "MADV_DONTNEED"):
                mapped.madvise(mmap.MADV_DONTNEED)

    def users(self) -> Iterator[str]:
        """Names of the users in the order of their numbers; none if they came without."""
        path = self.folder / "users.jsonl"
        if path.exists():
            with open(path, encoding="utf-8") as file:
                yield from map(json.loads, file)


class StoreWriter:
    """Writes a store part by part; it appears when it is complete, or not at all.

    Args:
        folder: which may not exist yet, or must be empty.

    Raises:
        ConfigurationError: if there is something.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ConfigurationError(
                f"{str(self.folder)!r} exists; expected a new folder for the store. Open it with open_store, or choose "
                "another."
            )
        self._temporary = self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex}.tmp")
        self._files: dict[str, BinaryIO] = {}
        self._users = self._items = self._rows = 0
        self._explicit: bool | None = None

    def __enter__(self) -> Self:
        try:
            self._temporary.mkdir(parents=True)
            for name in COLUMNS:
                self._files[name] = open(self._path(name), "wb")  # closed in __exit__
                _header(self._files[name], COLUMNS[name], 0)
        except OSError as error:
            self.__exit__(None, None, None)
            raise not_written(self.folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._temporary, ignore_errors=True)
        if isinstance(error, OSError):
            raise not_written(self.folder, error) from error

    def add(self, part: Events, names: Sequence[str] | None = None) -> None:
        """Appends users and their events; they get the next numbers.

        Args:
            part: events of users 0, 1, ...
            names: of these users.

        Raises:
            DataError: if its events have ratings and those of others have none.
        """
        if self._explicit not in (None, part.explicit):
            raise DataError("Some parts of the events have ratings and others have none; expected the same of all.")
        self._explicit = part.explicit
        for name, form in COLUMNS.items():
            column = getattr(part, name) + (self._users if name == "user" else 0)
            self._files[name].write(column.astype(form).tobytes())
        if names is not None:
            with open(self._temporary / "users.jsonl", "a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(name)}\n" for name in names)
        self._users += part.users
        self._items = max(self._items, part.items)
        self._rows += len(part)

    def finish(self, schema: Schema | None = None, ranks: Whole | None = None) -> None:
        """Makes the store appear.

        Args:
            schema: to be kept with it.
            ranks: the final number of each item, where those of the parts were provisional.

        Raises:
            DataError: if there are no events.
            InnerloopError: if it cannot be written.
        """
        if not self._rows:
            raise DataError("There are no events to store; expected at least one.")
        for name, file in self._files.items():
            file.seek(0)
            _header(file, COLUMNS[name], self._rows)
            file.flush()
            os.fsync(file.fileno())
        if ranks is not None:
            items = np.lib.format.open_memmap(self._path("item"), "r+")
            for first in range(0, self._rows, 2**20):
                items[first : first + 2**20] = ranks[items[first : first + 2**20]]
            items.flush()
        about = {
            "store": VERSION, "events": self._rows, "users": self._users, "explicit": self._explicit,
            "items": self._items if schema is None else len(schema.items),
            "schema": None if schema is None else schema.to_json(),
        }  # fmt: skip
        write_json(self._temporary / "about.json", about)
        os.replace(self._temporary, self.folder)

    def _path(self, column: str) -> Path:
        return self._temporary / f"{column}.npy"


def store_events(parts: Iterable[Events], folder: str | Path) -> Stored:
    """Stores events that come part by part, for instance from a generator.

    Args:
        parts: of whole users, each numbered from 0 in its part; over all parts they are numbered on.
        folder: new or empty.

    Raises:
        ConfigurationError: if there is something in the folder.
        DataError: if there are no events.
        InnerloopError: if it cannot be written; nothing is left behind.

    >>> import tempfile
    >>> part = Events.of([0, 1], [2, 0], [4.0, 3.0], users=2, items=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = store_events([part, part], f"{folder}/events")
    ...     print(stored.events.user.tolist(), stored.events.users, stored.events.history(3).value.tolist())
    [0, 1, 2, 3] 4 [3.0]
    """
    with StoreWriter(folder) as writer:
        for part in parts:
            writer.add(part)
        writer.finish()
    return open_store(folder)


def open_store(folder: str | Path) -> Stored:
    """Opens what `store_events` or `store_table` wrote.

    Raises:
        CheckpointError: if the folder is no store, or a file of it is missing or damaged.
    """
    folder = Path(folder)
    about = read_json(folder / "about.json")
    try:
        if about["store"] != VERSION:
            raise ValueError(f"version {about['store']!r}")
        mapped = {name: _map(folder / f"{name}.npy", form, int(about["events"])) for name, form in COLUMNS.items()}
        events = Events(
            **{name: array for name, (_, array) in mapped.items()},
            users=int(about["users"]), items=int(about["items"]), explicit=bool(about["explicit"]),
        )  # fmt: skip
        schema = None if about["schema"] is None else Schema.from_json(about["schema"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder} is no store of events, or damaged: {error}. Store them again.") from error
    return Stored(events, schema, folder, tuple(memory for memory, _ in mapped.values()))


def _header(file: BinaryIO, form: str, rows: int) -> None:
    """The header of a .npy file; it has the same length for any number of rows, so that it can be written last."""
    npy.write_array_header_1_0(file, {"descr": form, "fortran_order": False, "shape": (rows,)})


def _map(path: Path, form: str, rows: int) -> tuple[mmap.mmap, NDArray[Any]]:
    with open(path, "rb") as file:
        npy.read_magic(file)
        shape, _, kind = npy.read_array_header_1_0(file)
        offset = file.tell()
        # a change would stay in memory; torch warns of arrays that are read-only
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    if shape != (rows,) or kind != np.dtype(form) or len(memory) != offset + rows * kind.itemsize:
        raise ValueError(f"{path.name} has not the {rows} rows of type {form} that it should have")
    return memory, np.frombuffer(memory, kind, rows, offset)
