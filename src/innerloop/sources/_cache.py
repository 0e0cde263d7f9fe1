"""Where things that take a while to make are kept between runs, and how they are written there."""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """`$INNERLOOP_CACHE`, else `$XDG_CACHE_HOME/innerloop`, else `~/.cache/innerloop`; it need not exist."""
    if chosen := os.environ.get("INNERLOOP_CACHE"):
        return Path(chosen).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "innerloop"
    return Path.home() / ".cache" / "innerloop"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file that appears at `path` whole or not at all.

    A cache that cannot be written costs time at the next start and nothing else, so it is a warning.
    """
    # a name of its own, since several processes may make the same file at once
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        warnings.warn(
            f"Could not write the cache file {path} ({error}); it will be made again at the next start. "
            "Set INNERLOOP_CACHE to a folder that can be written.",
            stacklevel=2,
        )
    finally:
        # where the folder itself cannot be made, unlink raises something else than that the file is missing
        with contextlib.suppress(OSError):
            temporary.unlink()
