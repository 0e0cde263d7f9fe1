"""Work for worker processes, in a module that they can import."""

import os
import signal
import time
from pathlib import Path

from innerloop.errors import DataError


def busy(seconds):
    """Uses the CPU for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def double(value):
    return 2 * value


def process(_):
    return os.getpid()


def fail(value):
    raise DataError(f"no {value}")


def killed_once(folder, value):
    """Ends its process the first time that it is called with a value of 1."""
    mark = Path(folder) / "killed"
    if value == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def always_killed(value):
    os.kill(os.getpid(), signal.SIGKILL)
    return value
