"""Everything that training needs to go on, in one file: whole or absent, and without pickle.

Weights, optimiser and step stand in the same file, so that being killed between two writes cannot part them.
There are no generators to save: all randomness is a function of (seed, step, task).
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from innerloop.errors import CheckpointError, ConfigurationError
from innerloop.files import demand_fit, load_state, load_tensors, save_tensors
from innerloop.outer._plain import alike, plain_group, same_flags, with_pairs, without_pairs

_FORMAT = "innerloop checkpoint 1"


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        step: outer steps done.
        best: best validation metric so far; None before the first validation.
        best_step: outer step of that best.
        stale: validations since then.
        loss_sum: sum of the training losses since the last line of the log.
        loss_count: number of them.
        seconds: training time so far, interruptions left out.
        cpu_seconds: the same of the CPU, worker processes included, where episodes are run; elsewhere 0.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    done: bool = False

    def __post_init__(self) -> None:
        counts = (self.step, self.best_step, self.stale, self.loss_count)
        numbers = (self.loss_sum, self.seconds, self.cpu_seconds, 0.0 if self.best is None else self.best)
        # also what a damaged file says comes through here
        if not all(type(n) is int and n >= 0 for n in counts) or not all(isinstance(x, int | float) for x in numbers):
            raise ValueError(f"no progress: {vars(self)}")


def save_checkpoint(
    path: Path, learner: nn.Module, optimiser: Optimizer, scheduler: LRScheduler | None, progress: Progress
) -> None:
    """Writes a checkpoint to go on from.

    Raises:
        ConfigurationError: if the optimiser or scheduler holds state that is neither a tensor nor plain values.
        InnerloopError: if the disk is full; the previous checkpoint is then intact.
    """
    tensors: dict[str, Tensor] = {f"learner.{name}": value for name, value in learner.state_dict().items()}
    for index, entries in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": v for name, v in entries.items() if isinstance(v, Tensor)}
    save_tensors(path, tensors, description(optimiser, scheduler, progress))


def description(optimiser: Optimizer, scheduler: LRScheduler | None, progress: Progress) -> dict[str, Any]:
    """What a checkpoint holds besides tensors.

    Raises:
        ConfigurationError: if the optimiser or scheduler holds state that is neither a tensor nor plain values.
    """
    state = optimiser.state_dict()
    plain = {
        str(index): {name: value for name, value in entries.items() if not isinstance(value, Tensor)}
        for index, entries in state["state"].items()
    }
    about = {
        "format": _FORMAT,
        "progress": vars(progress),
        "optimiser": {"plain": plain, "groups": [plain_group(group) for group in state["param_groups"]]},
        "scheduler": with_pairs(scheduler.state_dict()) if scheduler else None,
    }
    try:
        json.dumps(about)
    except TypeError as error:
        raise ConfigurationError(
            f"The optimiser or scheduler holds something that cannot be saved as plain values: {error}. "
            "Use one whose state_dict has only tensors and numbers."
        ) from error
    return about


def load_checkpoint(path: Path, learner: nn.Module, optimiser: Optimizer, scheduler: LRScheduler | None) -> Progress:
    """Puts learner, optimiser and scheduler where `save_checkpoint` left them.

    Raises:
        CheckpointError: if the file is damaged or of another architecture; nothing has been changed then.
    """
    tensors, about = load_tensors(path)
    if about.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint: its format is {about.get('format')!r}.")
    try:
        progress = Progress(**about["progress"])
        state: dict[int, dict[str, Any]] = {}
        for index, entries in about["optimiser"]["plain"].items():
            state.setdefault(int(index), {}).update(entries)
        for name, tensor in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        groups = about["optimiser"]["groups"]
        schedule = without_pairs(about["scheduler"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} in its description. Use another checkpoint.") from error
    if (scheduler is None) != (schedule is None):
        raise CheckpointError(f"{path} was written {'without' if scheduler else 'with'} a scheduler; resume likewise.")
    weights = {name.removeprefix("learner."): t for name, t in tensors.items() if name.startswith("learner.")}
    demand_fit(learner, weights, path)  # everything is checked before anything is changed
    before = copy.deepcopy(optimiser.state_dict())
    try:
        _demand_shapes(state, optimiser)
        own = json.loads(json.dumps([plain_group(group) for group in before["param_groups"]]))
        if not alike(own, groups) or not same_flags(own, groups):
            raise ValueError("the optimiser's settings are others")
        if scheduler is not None and not alike(scheduler.state_dict(), schedule):
            raise ValueError("the scheduler's settings are others")
        optimiser.load_state_dict({"state": state, "param_groups": groups})
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        optimiser.load_state_dict(before)
        raise CheckpointError(
            f"{path} belongs to another optimiser or scheduler: {error}. Resume with the one that it was saved with."
        ) from error
    if scheduler is not None:
        scheduler.load_state_dict(schedule)
    load_state(learner, weights, path)
    return progress


def _demand_shapes(state: dict[int, dict[str, Any]], optimiser: Optimizer) -> None:
    # torch takes any shapes here and fails in the next step
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for index, entries in state.items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.ndim and value.shape != parameters[index].shape:
                raise ValueError(f"{name} of parameter {index} has shape {tuple(value.shape)}")


def save_weights(path: Path, learner: nn.Module, about: dict[str, Any]) -> None:
    """Writes the learner's weights alone."""
    save_tensors(path, dict(learner.state_dict()), {"format": "innerloop weights 1", **about})


def load_weights(path: str | Path, learner: nn.Module) -> dict[str, Any]:
    """Loads weights (of a checkpoint, too) into a learner of the same architecture; returns what is said of them.

    Raises:
        CheckpointError: if the file is damaged or of another architecture; the learner is unchanged then.
    """
    path = Path(path)
    tensors, about = load_tensors(path)
    if about.get("format") == _FORMAT:
        tensors = {name.removeprefix("learner."): t for name, t in tensors.items() if name.startswith("learner.")}
    load_state(learner, tensors, path)
    return about
