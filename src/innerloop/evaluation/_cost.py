"""Time, memory and size of adapting to one task, and the memory of an outer step."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.demands import at_least
from innerloop.evaluation._evaluate import batches, evaluating
from innerloop.evaluation._spent import Spent
from innerloop.learner import Learner, State
from innerloop.mapping import Mapping, PeakMemory
from innerloop.modules import device_of
from innerloop.networks import Policy
from innerloop.task import Source, Task, take

WARM = 3
"""Tasks before the clock starts: kernels are loaded and blocks of memory taken."""


def adaptation_cost(
    learner: Learner,
    source: Source,
    tasks: int = 20,
    *,
    seconds: float = 1.0,
    norm: Policy | None = None,
) -> Spent:
    """What it costs to learn one task: the adaptation part of a `Spent`.

    Every task is taken by itself, without a mapping over tasks, as a user does who has just one. The learner is as it
    was afterwards. How many threads are used is the caller's choice; it is written down.

    Args:
        learner: any learner.
        source: a split of tasks.
        tasks: tasks to time, at most.
        seconds: no task is begun after this time, but five are timed in any case.
        norm: policy of the norm layers; None: the learner's own.

    Raises:
        ConfigurationError: for numbers that make no sense.

    >>> from innerloop.methods import maml
    >>> from innerloop.networks import mlp
    >>> from innerloop.sources import Sinusoids
    >>> found = adaptation_cost(maml(mlp(1, 1, [3])), Sinusoids().test, tasks=2)
    >>> found.adapted, found.adapted_is
    (10, 'parameters')
    """
    at_least("tasks", tasks, 1)
    device = device_of(learner)
    chosen = [take(one, 0) for one in batches(source, 0, tasks, 1, device)]
    with evaluating(learner, norm), torch.no_grad():
        for task in chosen[:WARM]:
            state = learner.adapt(task.support)
        times: list[float] = []
        end = time.perf_counter() + seconds
        for task in chosen:
            if time.perf_counter() > end and len(times) >= 5:
                break
            _synchronise(device)
            start = time.perf_counter()
            learner.adapt(task.support)
            _synchronise(device)
            times.append(time.perf_counter() - start)
        memory = PeakMemory()
        with memory:
            learner.adapt(chosen[0].support)
    adapted, kind = size_of(learner, state)
    return Spent(
        parameters=sum(p.numel() for p in learner.parameters() if p.requires_grad),
        adapt_seconds=median(times),
        adapt_bytes=memory.peak,
        adapted=adapted,
        adapted_is=kind,
        timed_tasks=len(times),
        threads=torch.get_num_threads(),
    )


def size_of(learner: Learner, state: State) -> tuple[int, str]:
    """How many numbers a task leaves behind, and what they are.

    Where inner steps move `parameters` these count; what an inner optimiser or a norm layer remembers does not. Of any
    other state every tensor counts: the whole "state".

    >>> from innerloop.methods import prototypes
    >>> size_of(prototypes(torch.nn.Identity()), {"prototypes": torch.zeros(5, 64), "ways": 5})
    (320, 'state')
    """
    moved = learner.moved(state)
    numbers = sum(leaf.numel() for leaf in pytree.tree_leaves(moved) if isinstance(leaf, Tensor))
    return numbers, "state" if moved is state else "parameters"


def step_bytes(learner: Learner, tasks: Task, mapping: Mapping) -> int:
    """The most bytes of tensors in an outer step with its gradient; the learner stays as it is.

    Counted under the eager form of the mapping: a graph needs that or less.

    Args:
        learner: any learner with parameters to train.
        tasks: the tasks of a step.
        mapping: how they are mapped.
    """
    own = copy.deepcopy(learner).train()
    own.mapping = replace(mapping, graph="eager", memory=None)
    memory = PeakMemory()
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), memory:
        own(tasks).loss.backward()
    return memory.peak


def _synchronise(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()
