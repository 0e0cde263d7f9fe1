"""Somebody's own code, from a file or a package, with one line said about whatever is wrong there."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from innerloop.errors import ConfigurationError, closest

_MISSING = object()


def find(place: str) -> Any:
    """What `FILE.py:NAME` or `package.module:NAME` means. The file or package is run.

    Args:
        place: where it is. NAME may have dots.

    Raises:
        ConfigurationError: if there is no such file, package or name, or the code cannot be run.
    """
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise ConfigurationError(f"Expected FILE.py:NAME or package.module:NAME; got {place!r}.")
    found: Any = _from_file(Path(where)) if where.endswith(".py") or "/" in where else _from_package(where)
    for part in name.split("."):
        public = [known for known in getattr(found, "__dict__", {}) if not known.startswith("_")]
        found = guarded(partial(getattr, found, part, _MISSING), f"Reading {place}")
        if found is _MISSING:
            raise ConfigurationError(f"There is no {name!r} in {where}.{closest(part, public)}")
    return found


def guarded(call: Callable[[], Any], what: str) -> Any:
    """The call's result. Whatever it raises is the user's code speaking: one line, no traceback of ours.

    Raises:
        ConfigurationError: with what it raised and where.
    """
    try:
        return call()
    except (Exception, SystemExit) as error:
        line = _line_of(error)
        raise ConfigurationError(f"{what} raised {type(error).__name__}: {error}{line}. Mend that first.") from error


def _line_of(error: BaseException) -> str:
    if isinstance(error, SyntaxError) or error.__traceback__ is None:
        return ""
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    return f" (line {last.tb_lineno} of {Path(last.tb_frame.f_code.co_filename).name})"


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        seen_from = "" if path.is_absolute() else f" below {str(Path.cwd())!r}"
        raise ConfigurationError(f"There is no file {str(path)!r}{seen_from}.")
    # a name of its own: a file called random.py must not stand in for the real one
    spec = importlib.util.spec_from_file_location(f"innerloop_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{str(path)!r} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look for it there
    sys.path.insert(0, str(path.resolve().parent))
    guarded(partial(spec.loader.exec_module, module), str(path))
    return module


def _from_package(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    found: ModuleType = guarded(partial(importlib.import_module, name), f"Importing {name}")
    return found
