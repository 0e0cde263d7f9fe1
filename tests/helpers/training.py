"""Small things to train, and a run that is cut off."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from innerloop import methods
from innerloop.files import load_tensors
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, Norm, mlp
from innerloop.outer import Run, fit
from innerloop.sources import Sinusoids, Splits, from_arrays

METHODS = ("maml", "prototypes", "pretraining")
OPTIMISERS = {
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.01),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
}
SCHEDULERS = {"cosine": lambda optimiser: CosineAnnealingLR(optimiser, T_max=30), "constant": None}


class PowerCutError(Exception):
    """Something that the library knows nothing of."""


class Failing:
    """A source that fails when the tasks of one step are asked for."""

    def __init__(self, source, at: int):
        self.source, self.at = source, at

    def batch(self, indices: Tensor):
        if int(indices[0]) >= self.at:
            raise PowerCutError
        return self.source.batch(indices)

    def describe(self):
        return self.source.describe()

    def flat(self):
        return Failing(self.source.flat(), self.at)


def blobs(ways: int = 3, shots: int = 2, queries: int = 4) -> Splits:
    """Classes that lie around points in a plane of eight dimensions."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(30 * 12) % 30
    x = 2 * torch.randn(30, 8, generator=generator)[y] + torch.randn(len(y), 8, generator=generator)
    return from_arrays(x, y, ways=ways, shots=shots, queries=queries, name="blobs")


def network(outputs: int | None) -> nn.Module:
    """With running averages, and with dropout, which draws random numbers."""
    head = nn.Identity() if outputs is None else nn.Linear(6, outputs)
    body = nn.Sequential(nn.Linear(8, 6), Norm(6), nn.ReLU(), nn.Dropout(0.1))
    return Backbone(body, head, 6)


def make(method: str) -> tuple[Learner, Splits]:
    """A learner with the same weights every time, and its tasks."""
    torch.manual_seed(5)
    if method == "maml":
        return methods.maml(mlp(1, 1, [8], initial="he"), inner_lr=0.02), Sinusoids(shots=5, queries=5)
    if method == "prototypes":
        return methods.prototypes(network(None)), blobs()
    classes = int(blobs().train.flat().batch(torch.arange(1)).ways)
    return getattr(methods, method)(network(classes)), blobs()


def run_fit(
    method: str,
    folder: Path | None,
    *,
    stop: int | None = None,
    resume: bool = False,
    mapping: Mapping | None = None,
    **settings,
):
    """Trains a fresh learner, up to the power cut at step `stop`; gives the learner and what `fit` said (or None)."""
    learner, source = make(method)
    learner.mapping = mapping
    settings = {
        "mapping": "vmap",
        "steps": 20,
        "tasks_per_step": 2,
        "validate_every": 4,
        "validation_tasks": 6,
        **settings,
    }
    train = source.train if stop is None else Failing(source.train, stop * settings["tasks_per_step"])
    try:
        said = fit(
            learner, train, validation=source.validation, run=folder, resume=resume, progress=False,
            checkpoint_seconds=0.0, **settings,
        )  # fmt: skip
    except PowerCutError:
        said = None
    return learner, said


def contents(folder: Path) -> dict[str, object]:
    """Everything in a run that must not depend on interruptions."""
    run = Run(folder)
    found: dict[str, object] = {
        "metrics": [{k: v for k, v in line.items() if k != "seconds"} for line in run.metrics()],
        "files": sorted(path.name for path in folder.iterdir()),
    }
    for path in (run.best, run.last):
        tensors, about = load_tensors(path)
        about.get("progress", {}).pop("seconds", None)
        found[path.name] = about
        found |= {f"{path.name} {name}": tensor.numpy().tobytes() for name, tensor in tensors.items()}
    return found
