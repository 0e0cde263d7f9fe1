"""A user's own script for torchrun: rank 1 is killed once, in the middle of training.

torchrun --nproc-per-node 2 --max-restarts 1 elastic.py FOLDER
"""

import atexit
import os
import signal
import sys
from pathlib import Path

from helpers import ranks, training
from innerloop.outer import fit

STEPS, TASKS, KILLED = 20, 3, 11


def kill(tasks):
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    return tasks


def main(folder: Path, what) -> dict:
    """Trains, one checkpoint a step; the weights at the end."""
    learner, source = training.make("maml")
    train = ranks.At(source.train, KILLED * TASKS + 1, 1, what)
    fit(
        learner, train, steps=STEPS, tasks_per_step=TASKS, run=folder, resume=True, checkpoint_seconds=0.0,
        progress=False,
    )  # fmt: skip
    return ranks.arrays(learner)


def threads() -> list[str]:
    """Names of the threads of this process."""
    return [Path(f"/proc/self/task/{thread}/comm").read_text().strip() for thread in os.listdir("/proc/self/task")]


if __name__ == "__main__":
    # called after what `fit` leaves for the end, because it is registered before it
    atexit.register(lambda: print("threads at the end:", *threads(), flush=True))
    main(Path(sys.argv[1]), kill)
