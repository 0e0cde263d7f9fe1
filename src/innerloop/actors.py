"""Ray actors in the place of worker processes: jobs on the cores of many machines.

Of Ray this needs actors alone. A job is a function of its arguments, so the results are those of worker processes.
"""

from __future__ import annotations

import atexit
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from innerloop.demands import at_least, positive
from innerloop.errors import ConfigurationError, InnerloopError
from innerloop.simulators import optional

_REPLACED = 3
"""How often in one call actors that were lost are replaced."""
_PATIENCE = 15.0
"""Seconds to wait for cores that others hold."""

_crews: dict[RayActors, list[Any]] = {}


@dataclass(frozen=True)
class RayActors:
    """Actors that do jobs, kept from call to call; give them as `workers=` where worker processes are counted.

    Ray is started on this machine if it is not yet, or the cluster at `address` is joined: `ray start --head` on one
    machine and `ray start --address=...` on the others make one. All machines need innerloop and the simulator.

    Where cores are too few for a crew of another size beside those that there are, the older ones end.

    Args:
        count: actors; None: one for each core of the cluster.
        cpus: cores of each.
        address: of a cluster, for instance "auto"; None: as Ray finds it ($RAY_ADDRESS), else a Ray of our own.

    Raises:
        ConfigurationError: for fewer than one actor, or no core for one.

    >>> RayActors(count=4).cpus
    1.0
    """

    count: int | None = None
    cpus: float = 1.0
    address: str | None = None

    def __post_init__(self) -> None:
        if self.count is not None:
            at_least("count", self.count, 1)
        positive("cpus", self.cpus, 1)

    def run(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], *, what: str) -> list[Any]:
        """Calls a function with each job's arguments, as `innerloop.workers.run_jobs` does.

        Args:
            function: a function at the top of a module.
            jobs: its arguments, values that can be pickled.
            what: what a job is, in words, for the message about one that has to be done again.

        Returns:
            the results, in the order of the jobs.

        Raises:
            ConfigurationError: if Ray is missing, or the cluster has too few cores, or too few that are free.
            InnerloopError: if actors are lost again and again. What a job raises is raised here.
        """
        ray = _started(self.address)
        crew = self._crew(ray)
        waiting, idle = deque(range(len(jobs))), list(crew)
        going: dict[Any, tuple[int, Any]] = {}
        done: dict[int, Any] = {}
        failed: dict[int, BaseException] = {}
        lost = 0
        try:
            while going or (waiting and not failed):
                while idle and waiting and not failed:
                    actor, number = idle.pop(), waiting.popleft()
                    going[actor.call.remote(function, *jobs[number])] = number, actor
                (ready, *_), _ = ray.wait(list(going))
                number, actor = going.pop(ready)
                try:
                    done[number] = ray.get(ready)
                except ray.exceptions.RayTaskError as error:
                    # jobs begin in order: when all that have begun are over, the first error is always the same one
                    failed[number] = _cause(ray, error)
                except ray.exceptions.RayActorError as error:
                    lost += 1
                    if lost > _REPLACED:
                        raise InnerloopError(
                            f"Ray actors were lost {lost} times, with {len(jobs) - len(done)} x {what} left to do. "
                            "Perhaps memory is short: use fewer of them (RayActors(count=...))."
                        ) from error
                    warnings.warn(f"A Ray actor was lost; {what} are done again by a new one.", stacklevel=3)
                    waiting.appendleft(number)
                    crew[crew.index(actor)] = actor = self._actor(ray)
                idle.append(actor)
        except BaseException:  # also Ctrl-C: nobody waits any more for what they do
            _end(ray, _crews.pop(self))
            raise
        if failed:
            raise failed[min(failed)]
        return [done[number] for number in range(len(jobs))]

    def _crew(self, ray: Any) -> list[Any]:
        """The actors, new ones in the first call.

        Raises:
            ConfigurationError: if the cluster has too few cores, or others hold them: Ray would wait without end.
        """
        if self not in _crews:
            place = self._place(ray.cluster_resources())
            wanted = place if self.count is None else self.count
            if not 1 <= wanted <= place:
                raise ConfigurationError(
                    f"Ray has cores for {place} actor(s) of {self.cpus:g}; asked for {max(1, wanted)}. Use fewer, or "
                    "join more machines first (`ray start --address=...`)."
                )
            if (free := self._free(ray, wanted)) < wanted:
                raise ConfigurationError(
                    f"Of Ray's cores for {place} actor(s) of {self.cpus:g} only those for {free} are free; asked for "
                    f"{wanted}. Use fewer (RayActors(count=...)), or wait until others have done."
                )
            _crews[self] = [self._actor(ray) for _ in range(wanted)]
        return _crews[self]

    def _free(self, ray: Any, wanted: int) -> int:
        """For how many actors there are free cores; if they are too few, the other crews of this process end."""
        held = sum(crew.cpus * len(actors) for crew, actors in _crews.items())
        if self._place({"CPU": ray.cluster_resources()["CPU"] - held}) < wanted:
            close_actors()
        end = time.monotonic() + _PATIENCE  # Ray hears late of actors that have ended
        while (free := self._place(ray.available_resources())) < wanted and time.monotonic() < end:
            time.sleep(0.05)
        return free

    def _place(self, resources: dict[str, float]) -> int:
        return int(resources.get("CPU", 0.0) / self.cpus + 1e-6)

    def _actor(self, ray: Any) -> Any:
        return ray.remote(num_cpus=self.cpus, max_restarts=0)(_Worker).remote()


class _Worker:
    """What lives in an actor."""

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


def _cause(ray: Any, error: Any) -> BaseException:
    """What a job raised; a job that could not even be read in the actor is a matter of what is installed there."""
    cause = error.cause
    if isinstance(cause, ray.exceptions.RaySystemError):
        said = str(cause).strip().splitlines()[-1]
        return ConfigurationError(
            f"A Ray actor cannot read its work: {said}. All machines need the same innerloop, the simulator, and your "
            "own modules on their PYTHONPATH."
        )
    return cause if isinstance(cause, BaseException) else InnerloopError(str(error))


def close_actors() -> None:
    """Ends the actors; the next call starts new ones. Ray itself goes on until this process ends."""
    if _crews and (ray := optional("ray", "ray")).is_initialized():
        for crew in _crews.values():
            _end(ray, crew)
    _crews.clear()


def _end(ray: Any, crew: list[Any]) -> None:
    for actor in crew:
        ray.kill(actor)


atexit.register(close_actors)


def _started(address: str | None) -> Any:
    """Ray, joined or started.

    Raises:
        ConfigurationError: if it is missing, or there is no cluster at the address.
    """
    ray = optional("ray", "ray")
    if not ray.is_initialized():
        _crews.clear()
        try:
            ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise ConfigurationError(f"There is no Ray cluster at {address!r}: {error}") from error
    return ray
