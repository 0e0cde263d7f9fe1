"""Evaluation on a fixed list of tasks: the same for every learner, and it leaves the learner as it was."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.evaluation._calibration import calibration
from innerloop.evaluation._evaluation import Evaluation
from innerloop.evaluation._statistics import interval
from innerloop.learner import Learner
from innerloop.losses import absolute_error, gaussian_nll, mean_loss, mean_of, squared_error
from innerloop.modules import device_of, in_mode
from innerloop.networks import Policy
from innerloop.networks._norm_demands import demand_averages
from innerloop.sound import demand_sound
from innerloop.task import Examples, Source, Task

Metric = Literal["accuracy", "squared error", "absolute error", "negative log-density"]
"""What a task's predictions are judged by: accuracy for classes, one of the errors for numbers, or the density in nats
where predictions are `innerloop.losses.Gaussian`."""


def evaluate(
    learner: Learner,
    source: Source,
    tasks: int = 1_000,
    *,
    norm: Policy | None = None,
    steps: int | None = None,
    curve_steps: int = 0,
    curve_tasks: int = 200,
    first: int = 0,
    batch: int = 50,
    metric: Metric | None = None,
) -> Evaluation:
    """Adapts to `tasks` tasks of a source and judges the predictions for their query sets.

    Task number `i` of a source is always the same task, so any two learners are compared on the same ones. The
    learner is bit-identical afterwards.

    Args:
        learner: any learner.
        source: a split of tasks.
        tasks: how many tasks.
        norm: policy of the norm layers; None: the learner's own.
        steps: inner steps; None: the learner's `test_steps`.
        curve_steps: also give the metric after 0..`curve_steps` inner steps, also past the trained number.
        curve_tasks: tasks used for that curve.
        first: number of the first task.
        batch: tasks held in memory at a time.
        metric: "squared error" or "absolute error" for numbers, "negative log-density" for predictions that are
            `innerloop.losses.Gaussian`, "accuracy" for classes; None: accuracy or squared error.

    Raises:
        ConfigurationError: for numbers that make no sense, or a metric that does not fit the tasks.
        DataError: for tasks that hold NaN or do not fit the learner.
    """
    least = {"tasks": (tasks, 1), "curve_steps": (curve_steps, 0), "curve_tasks": (curve_tasks, 1), "batch": (batch, 1)}
    for name, (value, smallest) in {**least, "steps": (0 if steps is None else steps, 0)}.items():
        at_least(name, value, smallest)
    if metric is not None and metric not in get_args(Metric):
        raise ConfigurationError(f"metric= is one of {', '.join(get_args(Metric))}; got {metric!r}.")
    start = time.perf_counter()
    device = device_of(learner)
    with evaluating(learner, norm, steps), torch.no_grad():
        found, used_mapping = [], ""
        for chunk in batches(source, first, tasks, batch, device):
            found.append(_numpy(learner.map(lambda task: _judge(learner, task, metric), chunk)))
            used_mapping = str(learner.mapping_of_map(chunk))
        curve: list[tuple[float, float]] = []
        curve_values = None
        if curve_steps:
            curve_values = np.concatenate([
                learner.map(lambda task: _curve(learner, task, curve_steps, metric), chunk).cpu().numpy()
                for chunk in batches(source, first, min(curve_tasks, tasks), batch, device)
            ]).astype(float)  # fmt: skip
            points = [interval(column) for column in curve_values.T]
            curve = [(point.mean, point.half) for point in points]
        policy = learner.norm
        used = learner.test_steps
    merged = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    classification = "correct" in merged
    mask = merged["mask"].astype(bool)
    return Evaluation(
        name=learner.name,
        metric=metric or ("accuracy" if classification else "squared error"),
        values=merged["value"].astype(float),
        losses=merged["loss"].astype(float),
        source=source.describe(),
        first=first,
        norm=policy,
        mapping=used_mapping,
        seconds=round(time.perf_counter() - start, 2),
        steps=used,
        trained_steps=learner.steps,
        curve=curve,
        curve_tasks=min(curve_tasks, tasks) if curve_steps else 0,
        curve_values=curve_values,
        calibration=calibration(merged["confidence"][mask].astype(float), merged["correct"][mask].astype(bool))
        if classification
        else None,
        about=surroundings(device),
    )


@contextmanager
def evaluating(learner: Learner, norm: Policy | None = None, steps: int | None = None) -> Iterator[None]:
    """While it lasts, the learner is in `eval()` with another norm policy and number of steps.

    Raises:
        ConfigurationError: for steps that the learner does not take, a policy that its norm layers cannot follow, or
            a change to running averages that were never collected. The learner is as it was.
    """
    if steps is not None and learner.test_steps is None:
        raise ConfigurationError(f"{learner.name} has no inner steps; leave out steps={steps}.")
    policy, own = learner.norm, learner.test_steps
    if norm is not None:
        if norm == "running" and policy not in ("running", "none"):
            demand_averages(learner)
        learner.set_norm(norm)
    if steps is not None:
        learner.test_steps = steps
    try:
        with in_mode(learner, training=False):
            yield
    finally:
        learner.norm = policy
        if steps is not None:  # an attribute that is not set would be one more for captured graphs to see
            learner.test_steps = own


def batches(source: Source, first: int, tasks: int, size: int, device: torch.device) -> Iterator[Task]:
    """The tasks `first`, `first + 1`, ... in stacks of at most `size`, checked and on a device."""
    for at in range(first, first + tasks, size):
        chunk = source.batch(torch.arange(at, min(at + size, first + tasks)))
        demand_sound(chunk)
        yield chunk if device.type == "cpu" else chunk.map(lambda leaf: leaf.to(device))


def surroundings(device: torch.device) -> dict[str, Any]:
    """Device, threads and versions, for a results file."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def judged(prediction: Any, examples: Examples, metric: Metric | None = None) -> Tensor:
    """The metric of predictions over the rows that are not padding: a scalar.

    Args:
        prediction: logits, or values in a regression. Of a `Gaussian` the errors judge the mean alone.
        examples: the targets.
        metric: None: accuracy for classes, the mean squared error otherwise.

    Raises:
        ConfigurationError: for accuracy without classes, or an error with them.
        DataError: for the log-density of a prediction that has none.
    """
    if metric is not None and (metric == "accuracy") != (examples.ways is not None):
        has = "no classes" if examples.ways is None else f"{examples.ways} classes"
        raise ConfigurationError(f"metric={metric!r} does not fit these tasks, which have {has}. Leave it out.")
    if metric == "negative log-density":
        return mean_loss(gaussian_nll, prediction, examples)
    if examples.ways is None:
        error = absolute_error if metric == "absolute error" else squared_error
        return mean_loss(error, mean_of(prediction), examples)
    right = (prediction.argmax(-1) == examples.y) & examples.mask
    return cast(Tensor, right.sum() / examples.mask.sum())


def _judge(learner: Learner, task: Task, metric: Metric | None) -> dict[str, Tensor]:
    query = task.query
    prediction = learner.predict(learner.adapt(task.support), query.x, query.mask)
    found = {
        "value": judged(prediction, query, metric),
        "loss": learner.query_loss(prediction, query),
        "mask": query.mask,
    }
    if query.ways is not None:
        confidence, guess = torch.softmax(prediction, -1).max(-1)
        found |= {"confidence": confidence, "correct": guess == query.y}
    return found


def _curve(learner: Learner, task: Task, steps: int, metric: Metric | None) -> Tensor:
    query = task.query
    states = learner.trajectory(task.support, steps)
    return torch.stack([judged(learner.predict(state, query.x, query.mask), query, metric) for state in states])


def _numpy(tree: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.cpu().numpy() for name, tensor in tree.items()}
