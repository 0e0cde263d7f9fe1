"""Two processes joined by gloo, and what they are asked to do. Started once: importing torch is what takes the time."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from helpers import learners, problems, training
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.outer import fit
from innerloop.task import Task

METHODS = (*learners.ALL, "imaml")
LOOP = Mapping(vectorise=False)
SECONDS = 120


class Ranks:
    """`world` processes that run the same function; each gives back its result, or the error that it raised."""

    def __init__(self, folder: Path, world: int = 2):
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for rank in range(world):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, rank, world, str(folder / "store")), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def __call__(self, function, *arguments) -> list[Any]:
        for pipe in self._pipes:
            pipe.send((function, arguments))
        for rank, pipe in enumerate(self._pipes):
            assert pipe.poll(SECONDS), f"rank {rank} hangs in {function.__name__}{arguments}"
        return [pipe.recv() for pipe in self._pipes]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()


def _serve(pipe, rank: int, world: int, store: str) -> None:
    os.environ["RANK"] = str(rank)
    os.fsync = lambda descriptor: None
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    while True:
        function, arguments = pipe.recv()
        try:
            pipe.send(function(*arguments))
        except Exception as error:
            pipe.send((type(error).__name__, str(error)))


class Fixed:
    """Stacked tasks as a source."""

    def __init__(self, tasks: Task):
        self.tasks = tasks

    def batch(self, indices):
        return self.tasks.map(lambda leaf: leaf[indices % len(self.tasks.index)])

    def describe(self):
        return {"name": "fixed"}


class At:
    """A source that does something when one task is asked for on one rank."""

    def __init__(self, source, index: int, rank: int, what):
        self.source, self.index, self.rank, self.what = source, index, rank, what

    def batch(self, indices):
        tasks = self.source.batch(indices)
        here = self.index in indices.tolist() and os.environ.get("RANK", "0") == str(self.rank)
        return self.what(tasks) if here else tasks

    def describe(self):
        return self.source.describe()


def fail(tasks: Task) -> Task:
    raise training.PowerCutError("no power")


def spoil(tasks: Task) -> Task:
    return tasks.map(lambda leaf: leaf * float("nan") if leaf.is_floating_point() else leaf)


def explode(tasks: Task) -> Task:
    return tasks.map(lambda leaf: leaf * 1e30 if leaf.is_floating_point() else leaf)


def interrupt(tasks: Task) -> Task:
    os.kill(os.getpid(), signal.SIGINT)
    return tasks


def small(method: str) -> tuple[Learner, Fixed]:
    """A learner in float64 and five tasks of different sizes; each rank has other weights until it is told."""
    torch.manual_seed(3 + int(os.environ.get("RANK", "0")))
    norm = "running" if method == "prototypes" else "batch"
    learner = learners.make(method, problems.normed(learners.outputs(method)), norm)
    tasks = problems.batch(sizes=((6, 6), (6, 3), (3, 6), (6, 6), (6, 6)))
    return learner, Fixed(tasks)


def meta_gradient(method: str, count: int) -> dict[str, Any]:
    """What `fit` takes off the parameters at a rate of 1, and where running averages stand afterwards."""
    learner, source = small(method)
    fit(
        learner, source, steps=1, tasks_per_step=count, clip=None, progress=False,
        optimiser=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
    )  # fmt: skip
    return arrays(learner)


def by_hand(method: str, count: int) -> dict[str, Any]:
    """The same without innerloop's outer loop: one flat all-reduce of the gradients, weighted by tasks."""
    learner, source = small(method)
    for tensor in learner.state_dict().values():
        dist.broadcast(tensor, 0)
    own = torch.arange(count)[dist.get_rank() :: dist.get_world_size()]
    parameters = list(learner.parameters())
    flat = torch.zeros(sum(p.numel() for p in parameters), dtype=torch.float64)
    if len(own):
        learner.train()
        learner(source.batch(own)).loss.backward()
        flat = torch.cat([p.grad.flatten() for p in parameters]) * len(own) / count
    dist.all_reduce(flat)
    with torch.no_grad():
        for parameter, step in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter -= step.view_as(parameter)
    return {name: value.detach().numpy() for name, value in learner.named_parameters()}


def wrapped(method: str) -> dict[str, Any]:
    """DistributedDataParallel around the learner in a user's own loop, two tasks a rank."""
    learner, source = small(method)
    parallel = DistributedDataParallel(learner)
    parallel(source.batch(torch.arange(4)[dist.get_rank() :: 2])).loss.backward()
    return {name: (p - p.grad).detach().numpy() for name, p in learner.named_parameters()}


def then_alone(method: str) -> dict[str, Any]:
    """`fit` by two; then rank 0 takes a gradient by itself, with nobody to wait for."""
    meta_gradient(method, 4)
    learner, source = small(method)
    fit(learner, source, steps=1, tasks_per_step=2, progress=False)
    if dist.get_rank() == 0:
        learner(source.batch(torch.arange(2))).loss.backward()
    return arrays(learner)


def train(
    method: str, folder: Path | None = None, *, stop: int | None = None, resume: bool = False, **settings
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`training.run_fit` one task at a time, each rank with a folder of its own; weights and what `fit` said."""
    own = None if folder is None else folder / os.environ.get("RANK", "0")
    learner, said = training.run_fit(method, own, stop=stop, resume=resume, mapping=LOOP, **settings)
    return arrays(learner), said and {name: value for name, value in vars(said).items() if name != "seconds"}


def disturbed(what, index: int, rank: int, folder: Path | None = None) -> tuple[int, bool]:
    """Training in which something happens on one rank; steps done, and whether it was interrupted."""
    learner, source = training.make("maml")
    said = fit(
        learner, At(source.train, index, rank, what), steps=20, tasks_per_step=4, progress=False,
        run=None if folder is None else folder / os.environ.get("RANK", "0"),
    )  # fmt: skip
    return said.steps, said.interrupted


def arrays(module: torch.nn.Module) -> dict[str, Any]:
    return {name: value.detach().clone().numpy() for name, value in module.state_dict().items()}
