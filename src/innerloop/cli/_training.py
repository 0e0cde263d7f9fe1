"""Several trainings by the command, some at a time, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli._parse import UsageError


@dataclass(frozen=True)
class Job:
    """A training.

    Attributes:
        name: what is said about it.
        folder: its run.
        arguments: of `innerloop train`, without --run, --threads and --resume.
        threads: of a CPU.
    """

    name: str
    folder: Path
    arguments: tuple[str, ...]
    threads: int = 1

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do: the page comes last."""
        return (self.folder / "page.html").exists()


def run_jobs(jobs: Sequence[Job], processes: int, say: Callable[[Job], None]) -> None:
    """Trains what is not finished. What was stopped goes on from its last checkpoint.

    Args:
        jobs: the trainings.
        processes: how many at a time.
        say: called when one is done.

    Raises:
        UsageError: if one of them fails; the others are stopped, and go on the next time.
    """
    waiting = [job for job in jobs if not job.finished]
    going: dict[Job, subprocess.Popen[bytes]] = {}
    try:
        while waiting or going:
            while waiting and len(going) < processes:
                job = waiting.pop(0)
                going[job] = _start(job)
            time.sleep(0.2)
            for job, process in list(going.items()):
                if process.poll() is None:
                    continue
                del going[job]
                if process.returncode:
                    raise UsageError(f"Training {job.name} ended with code {process.returncode}; its message is above.")
                say(job)
    finally:
        for process in going.values():
            process.terminate()
        for process in going.values():
            process.wait()  # they write a checkpoint first


def _start(job: Job) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "innerloop", "train", *job.arguments, "--threads", str(job.threads)]
    command += ["--run", str(job.folder), "--resume"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": str(job.threads)})
