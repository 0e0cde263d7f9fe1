"""The trainings of a budget of data, planned after everything that can be wrong with them was looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from innerloop.cli._budget import Options
from innerloop.cli._methods import (
    configured,
    demand,
    demand_possible,
    demand_readers,
    folder_name,
    job,
    usual,
    usual_recipe,
)
from innerloop.cli._parse import UsageError
from innerloop.cli._training import Job
from innerloop.recipes import Recipe


@dataclass(frozen=True)
class Planned:
    """The trainings of a budget.

    Attributes:
        unit: "training classes" or "training tasks".
        jobs: the trainings for each size, from the smallest.
    """

    unit: str
    jobs: dict[int, list[Job]]


def plan(name: str, options: Options, settings: Mapping[str, Any]) -> Planned:
    """The trainings, after everything that can be wrong with them was looked for.

    Raises:
        UsageError or ConfigurationError: for what cannot be asked for, or runs in the way that were made otherwise.
        DataError: if the data cannot be used, or a part of them is too small for a task.
    """
    demand(options, settings)
    shots = usual_recipe(name, settings).shots
    common = configured(name, "maml", settings, 0, shots, options.tasks)
    source = common.source()
    supply, ways = source.train.supply(), source.train[0].ways
    if not hasattr(common, f"train_{supply.unit}"):
        raise UsageError(f"The recipe {name!r} has no parts of its training {supply.unit}, so no budget of them.")
    methods = options.methods or usual(ways)
    demand_readers(name, methods, settings)
    sizes = _sizes(options, supply.number, supply.unit)
    jobs: dict[int, list[Job]] = {}
    folder = Path(options.out) / "runs"
    for size in sizes:
        jobs[size] = []
        for seed in options.seeds:
            part = None
            for method in methods:
                chosen, own = _part(name, method, settings, seed, options.tasks, supply.unit, size)
                part = chosen.source() if part is None else part
                demand_possible(chosen, part)
                place = folder / folder_name(chosen, f"-{size}{supply.unit}")
                jobs[size].append(job(chosen, place, own, options))
    return Planned(f"training {supply.unit}", jobs)


def _sizes(options: Options, count: int | None, unit: str) -> list[int]:
    if options.sizes:
        if count is not None and max(options.sizes) > count:
            raise UsageError(f"--sizes: there are {count:,} training {unit}; got {max(options.sizes):,}.")
        return sorted(set(options.sizes))
    if count is None:
        raise UsageError(
            f"There is no end of training {unit} here, so no part of them: give --sizes, as in --sizes 10 30 100 300."
        )
    return sorted({max(1, round(fraction * count)) for fraction in options.fractions})


def _part(
    name: str, method: str, settings: Mapping[str, Any], seed: int, tasks: int | None, unit: str, size: int
) -> tuple[Recipe, dict[str, Any]]:
    own = {**settings, f"train_{unit}": size}
    chosen = configured(name, method, own, seed, int(settings.get("shots", usual_recipe(name, settings).shots)), tasks)
    ways = getattr(chosen, "train_ways", None)
    if ways is not None and unit == "classes" and ways > size:  # no more ways than there are classes
        own["train_ways"] = size
        chosen = configured(
            name, method, own, seed, int(settings.get("shots", usual_recipe(name, settings).shots)), tasks
        )
    return chosen, own
