"""The driver's end of a worker process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Literal

from innerloop.errors import InnerloopError

Allocator = Literal["default", "kept"]
"""The C library as it is, or told to keep large blocks, as the command tells it for training on a CPU."""

_BLOCK = str(1 << 30)
_ENVIRONMENT: dict[Allocator, dict[str, str]] = {
    "default": {},
    # what `mallopt` sets in the command, before the process has begun
    "kept": {"MALLOC_MMAP_THRESHOLD_": _BLOCK, "MALLOC_TRIM_THRESHOLD_": _BLOCK},
}


class WorkerError(InnerloopError):
    """A worker that could not do what it was asked; the message is its own."""


class Child:
    """A worker process, which answers the commands that `innerloop.bench._worker` lists.

    Args:
        job: its threads, its device, and whether it may be rough.
        allocator: setting of the C library's allocator.
    """

    def __init__(self, job: dict[str, Any], allocator: Allocator = "default"):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        environment |= _ENVIRONMENT[allocator] | {"OMP_NUM_THREADS": str(job["threads"])}
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "innerloop.bench._worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, env=environment,
        )  # fmt: skip
        self._tell(job)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a command.

        Raises:
            WorkerError: if the worker failed or died.
        """
        self._tell({"do": do, **arguments})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"the process ended with code {self._process.wait()}: {self._last_words()}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise WorkerError(found["error"])
        return found

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: reading its answer says so
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"
