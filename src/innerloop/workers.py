"""Worker processes: as many as cores, kept from call to call, one torch thread each, whole jobs at a time.

A simulator that runs step by step in another process is slower than one that runs here; whole episodes are not. A job
is a function of its arguments alone, so the results do not depend on how many workers there are.

Nothing here imports torch before it is needed: a worker comes here first, and from then on ends with its main process.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple, Protocol

from innerloop.errors import ConfigurationError, InnerloopError

_REPLACED = 3
"""How often in one call workers that were killed are replaced."""

_pools: dict[int, ProcessPoolExecutor] = {}
_used = [0.0]
"""CPU seconds of the jobs that worker processes have done."""


class Crew(Protocol):
    """Whoever does jobs elsewhere, as `innerloop.actors.RayActors` does on many machines."""

    def run(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], *, what: str) -> list[Any]:
        """The results of a function with each job's arguments, in the order of the jobs."""


class Spent(NamedTuple):
    """What work has taken, or the clocks themselves.

    Attributes:
        seconds: wall time, which is longer on a machine that is busy with other things.
        cpu_seconds: of the CPU, in this process and in the jobs of its worker processes; those that were killed, and
            other machines, do not count.
    """

    seconds: float
    cpu_seconds: float

    @classmethod
    def now(cls) -> Spent:
        """The clocks."""
        return cls(time.perf_counter(), time.process_time() + _used[0])

    def since(self, before: Spent) -> Spent:
        """What lies between two readings, to the hundredth.

        >>> Spent(5.0, 3.0).since(Spent(1.0, 0.5))
        Spent(seconds=4.0, cpu_seconds=2.5)
        """
        return Spent(*(round(now - then, 2) for now, then in zip(self, before, strict=True)))


Workers = int | Crew | None
"""How many processes, None for one on each core, or somebody who does jobs elsewhere."""


def run_jobs(
    function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], *, what: str, workers: Workers = None
) -> list[Any]:
    """Calls a function with each job's arguments.

    Args:
        function: a function at the top of a module.
        jobs: its arguments, values that can be pickled.
        what: what a job is, in words, for the message about one that has to be done again.
        workers: processes; None: one for each core. With 1 the jobs are done in this process. Or a crew of actors.

    Returns:
        the results, in the order of the jobs.

    Raises:
        ConfigurationError: for fewer than one worker, or workers that cannot be started.
        InnerloopError: if workers are killed again and again. What a job raises is raised here.

    >>> run_jobs(divmod, [(7, 2), (9, 4)], what="division", workers=1)
    [(3, 1), (2, 1)]
    """
    if not (workers is None or isinstance(workers, int)):
        return workers.run(function, jobs, what=what)
    count = cores() if workers is None else workers
    if count < 1:
        raise ConfigurationError(f"workers must be at least 1; got {workers}.")
    if count == 1 or len(jobs) < 2:
        with _one_thread():
            return [function(*job) for job in jobs]
    done: dict[int, Any] = {}
    for attempt in range(_REPLACED + 1):
        left = [number for number in range(len(jobs)) if number not in done]
        if _finished(function, jobs, left, done, count):
            return [done[number] for number in range(len(jobs))]
        again = len(jobs) - len(done)
        if attempt < _REPLACED:
            warnings.warn(f"A worker process was killed; {again} x {what} are done again by new ones.", stacklevel=2)
    raise InnerloopError(
        f"Worker processes were killed {_REPLACED + 1} times, with {again} x {what} left to do. Perhaps memory is "
        "short: use fewer of them (workers=1)."
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def close_workers() -> None:
    """Ends the worker processes; the next call starts new ones."""
    for count in list(_pools):
        _forget(count)


atexit.register(close_workers)


def _finished(
    function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], left: list[int], done: dict[int, Any], count: int
) -> bool:
    """Fills in `done`; False if a worker was killed on the way."""
    futures: dict[Future[Any], int] = {}
    try:
        pool = _pool(count)
        for number in left:
            futures[pool.submit(_timed, function, *jobs[number])] = number
        for future, number in futures.items():  # in order: of several errors always the same one is raised
            done[number] = _taken(future)
    except BrokenProcessPool:
        _forget(count)
        for future, number in futures.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                done[number] = _taken(future)
        return False
    except BaseException:  # what a job raised, or Ctrl-C: nobody waits for the others any more
        for future in futures:
            future.cancel()
        raise
    return True


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """In the worker: a result, and the CPU seconds that it took."""
    begin = time.process_time()
    return function(*arguments), time.process_time() - begin


def _taken(future: Future[Any]) -> Any:
    found, used = future.result()
    _used[0] += used
    return found


def _pool(count: int) -> ProcessPoolExecutor:
    if count not in _pools:
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            # a worker reads the script that started it, and has come to the place where that script starts workers
            raise ConfigurationError(
                "This script starts worker processes, which read it again: put what it does under "
                "`if __name__ == '__main__':`, or use workers=1."
            )
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads can hang
        pool = ProcessPoolExecutor(count, spawn, _start_worker)
        try:
            pool.submit(os.getpid).result()
        except BrokenProcessPool as error:
            raise ConfigurationError(
                "Worker processes ended as they were started. In a script, put what it does under "
                "`if __name__ == '__main__':`, or use workers=1; else see what they wrote above."
            ) from error
        _pools[count] = pool
    return _pools[count]


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's business
    # a worker waits for jobs by a pipe whose other end it holds itself: it would outlive a main process that was killed
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch  # takes seconds, and on a busy machine many, in which the main process may be killed as well

    torch.set_num_threads(1)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _forget(count: int) -> None:
    with contextlib.suppress(KeyError):
        _pools.pop(count).shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _one_thread() -> Any:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
