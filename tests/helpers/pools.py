"""Process pools and trainings that run where they are called."""

from concurrent.futures import Future

from innerloop.cli import _chosen_rival, _costs, _rows, _training, main

log: list[str] = []
"""What was trained and computed, in order."""


class Pool:
    """A pool without processes."""

    def __init__(self, *arguments, **settings):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def map(self, function, *columns):
        found = []
        for arguments in zip(*columns, strict=True):
            log.append(f"row {arguments[0].on} {arguments[0].shots} {arguments[0].key}")
            found.append(function(*arguments))
        return found

    def submit(self, function, *arguments):
        log.extend(f"cost {spec.shots} {spec.key}" for spec, _ in arguments[0])
        future = Future()
        future.set_result(function(*arguments))
        return future


class Done:
    """A training that has ended."""

    def __init__(self, returncode):
        self.returncode = returncode

    def poll(self):
        return self.returncode

    def terminate(self):
        pass

    def wait(self):
        return self.returncode


def start(job):
    """In place of starting a process."""
    log.append(f"train {job.name}")
    return Done(main(["train", *job.arguments, "--run", str(job.folder), "--resume"]))


def install(patch) -> list[str]:
    """Puts these in the place of processes, with small trials for what is tuned; gives the log."""
    log.clear()
    patch.setattr(_rows, "ProcessPoolExecutor", Pool)
    patch.setattr(_costs, "ProcessPoolExecutor", Pool)
    patch.setattr(_training, "_start", start)
    patch.setattr(_chosen_rival, "_SMALL_STEPS", 2)
    patch.setattr(_chosen_rival, "_VALIDATION_TASKS", 6)
    patch.setattr(_chosen_rival, "_WIDEN", 1)
    return log
