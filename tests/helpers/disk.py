"""A disk that is full after some bytes, or that refuses one rename."""

import builtins
import errno
import os
from pathlib import Path


class FullDisk:
    """While it lasts, files below `folder` can take `room` bytes in all; what does not fit is cut off."""

    def __init__(self, monkeypatch, folder: Path, room: int):
        self.monkeypatch, self.folder, self.room = monkeypatch, str(folder), room
        self.open = builtins.open

    def __enter__(self):
        self.patch = self.monkeypatch.context()
        self.patch.__enter__().setattr(builtins, "open", self._open)
        return self

    def __exit__(self, *_):
        self.patch.__exit__(None, None, None)

    def _open(self, path, mode="r", *arguments, **keywords):
        file = self.open(path, mode, *arguments, **keywords)
        if str(path).startswith(self.folder) and set(mode) & set("wax+"):
            return _File(self, file)
        return file


class _File:
    def __init__(self, disk: FullDisk, file):
        self.disk, self.file = disk, file

    def write(self, content):
        fits = content[: self.disk.room]
        self.disk.room -= len(fits)
        self.file.write(fits)
        if len(fits) < len(content):
            self.file.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


def failing_rename(monkeypatch, at: int):
    """`os.replace` fails at its `at`-th call."""
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    return calls
