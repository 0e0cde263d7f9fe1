"""Omniglot: every method at the same training time of one core, measured on the same 1,000 test tasks.

    python evidence/omniglot.py
    python evidence/omniglot.py --methods maml prototypes ridge --seeds 1 2
    python evidence/omniglot.py --methods prototypes ridge pretraining --shapes 5x5 20x1 20x5
    python evidence/omniglot.py --methods prototypes --protocol B --shapes 20x1 --minutes 60
    python evidence/omniglot.py --methods maml --shapes 20x1 --minutes 3 --device cuda --out results/omniglot_gpu.json

trains each method by its recipe for --minutes, measures it with batch and with support statistics where its network
takes either, and writes results/omniglot_methods.json after every row. A row that is there is not computed again; one
that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _grid import grid

from innerloop.catalogue import TRAINED
from innerloop.cli._chosen_rival import rival
from innerloop.cli._rivals import rivals_of
from innerloop.evaluation import evaluate
from innerloop.files import read_json, write_json
from innerloop.learner import Learner
from innerloop.mapping import keep_large_blocks
from innerloop.networks import Policy
from innerloop.outer import Run, fit, load_weights
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.recipes._minutes import within_minutes

GRADIENT = ("maml", "fomaml", "reptile", "anil", "meta_sgd", "maml_plus_plus", "imaml")
OTHERS = (
    "prototypes", "matching", "relation", "ridge", "svm", "mann", "snail", "in_context", "pretraining",
    "baseline_plus_plus", "simple_shot",
)  # fmt: skip
OUT = Path("results/omniglot_methods.json")


def row(
    method: str, protocol: str, ways: int, shots: int, seed: int, minutes: float, steps: int | None, filters: int,
    tasks: int, runs: Path, changes: dict[str, Any] | None = None, label: str = "", device: str = "cpu",
) -> dict[str, Any]:  # fmt: skip
    """One method, trained and measured; with `changes` to its recipe, its run's folder has a `label` of its own."""
    keep_large_blocks()
    label += "" if device == "cpu" else f"-{device}-{minutes:g}"
    folder = runs / f"omniglot-{protocol}-{method}-{ways}w{shots}s-{seed}{label}"
    decided = folder.with_name(folder.name + ".json")
    chosen = dataclasses.replace(
        recipe("omniglot", method, protocol=protocol), ways=ways, shots=shots, seed=seed, filters=filters,
        validation_tasks=min(300, tasks), **(changes or {}),
    )  # fmt: skip
    if steps is None and decided.exists():
        steps = int(read_json(decided)["steps"])
    if steps is None:
        # the schedule needs the number of steps beforehand
        steps = within_minutes(dataclasses.replace(chosen, validate_every=None), minutes, device)[0].steps
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_json(decided, {"steps": steps})
    chosen = dataclasses.replace(chosen, steps=steps, validate_every=max(1, steps // 5))
    experiment = build(chosen)
    experiment.learner.to(device)
    run = Run(folder)
    found = fit(experiment.learner, **experiment.fit_settings(), run=run, resume=True)
    if found.interrupted:
        raise KeyboardInterrupt
    write_json(folder / "fit.json", {**vars(found), "recipe": chosen.to_json()})  # where `innerloop compare` looks
    load_weights(run.best, experiment.learner)
    measured = partial(measure, source=experiment.source.test, tasks=tasks)
    norms: tuple[Policy, ...] = ("batch", "support") if chosen.norm == "batch" else (chosen.norm,)
    rivals = []
    for kind in rivals_of(method, classes=True) if device == "cpu" else ():
        learner, note, _ = rival(kind, experiment)
        rivals.append({"kind": kind, "name": learner.name, "note": note, **measured(learner)})
    return {
        "name": experiment.learner.name, "family": experiment.learner.family, "steps": steps,
        "trained_seconds": found.seconds, "accuracy": {norm: measured(experiment.learner, norm=norm) for norm in norms},
        "rivals": rivals, "best_step": found.best_step, "validation": found.best, "recipe": chosen.to_json(),
    }  # fmt: skip


def measure(learner: Learner, source: Any, tasks: int, norm: Policy | None = None) -> dict[str, float]:
    """Mean accuracy over the test tasks and half of its 95 % interval."""
    mean, half = evaluate(learner, source, tasks, norm=norm).interval
    return {"mean": mean, "half": half}


def shape(text: str) -> tuple[int, int]:
    """Ways and shots of a text like 20x5."""
    ways, shots = text.split("x")
    return int(ways), int(shots)


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=[*GRADIENT, *OTHERS], choices=TRAINED)
    parser.add_argument("--protocol", default="A", choices=("A", "B"))
    parser.add_argument("--shapes", nargs="+", type=shape, default=[(5, 1)], help="ways and shots, such as 20x5")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="where to train and measure; elsewhere without rivals")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    name = "cpu" if given.device == "cpu" else torch.cuda.get_device_name(given.device)
    head = {"command": "python evidence/omniglot.py", "tasks": given.tasks, "device": name}
    if given.out.exists() and (kept := read_json(given.out).get("device", name)) != name:
        raise SystemExit(f"{given.out} has rows of {kept}, not of {name}: take another --out.")
    sizes = (given.minutes, given.steps, given.filters, given.tasks)
    cells = [
        (method, given.protocol, ways, shots, seed, *sizes)
        for ways, shots in given.shapes for seed in given.seeds for method in given.methods
    ]  # fmt: skip
    grid(given.out, head, cells, partial(row, runs=given.runs, device=given.device), processes=given.processes)


if __name__ == "__main__":
    main()
