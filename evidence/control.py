"""Few-shot robot control: how often an arm reaches a hidden goal that it was shown once.

    python evidence/control.py

A row is one method on one task of Meta-World with one seed, which decides goals, demonstrations and weights. Steps and
rates of what is fine-tuned are chosen by the success on validation goals. Rows are written to results/control.json when
they are done and never computed again; demonstrations are kept in the cache folder. Needs the extra `control`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _grid import grid

from innerloop import methods
from innerloop.control import Demonstrations, NearestStep, Replay, evaluate_control, last_state
from innerloop.evaluation import evaluate
from innerloop.learner import Learner
from innerloop.networks import bias_mlp, mlp
from innerloop.outer import fit
from innerloop.workers import close_workers

OUT = Path("results/control.json")
INNER: dict[str, Any] = {"inner_steps": 1, "inner_lr": 0.1}
TRAINED: dict[str, Callable[[], Learner]] = {
    "maml": lambda: methods.maml(bias_mlp(7, 4), **INNER),
    "fomaml": lambda: methods.fomaml(bias_mlp(7, 4), **INNER),
    "anil": lambda: methods.anil(bias_mlp(7, 4), **INNER),
    "reptile": lambda: methods.reptile(bias_mlp(7, 4), inner_steps=5, inner_lr=0.1),
    "cnp": lambda: methods.cnp(mlp(7, None, []), outputs=4),
    "last_state": last_state,
    "joint": lambda: methods.joint(bias_mlp(7, 4)),
}
"""What is trained, all with the same number of outer steps of 16 tasks."""
FITTED: dict[str, Callable[..., Learner]] = {
    "replay": Replay,
    "nearest_step": NearestStep,
    "ridge": methods.raw_ridge,
    "joint_one_step": lambda network: methods.maml(network, **INNER),
    "joint_fine_tuned": methods.fine_tune,
    "from_scratch": methods.from_scratch,
}
"""What is fitted to each goal alone; those that take a network go on from the joint one, or from fresh weights."""
FROM_NETWORK = ("joint_one_step", "joint_fine_tuned", "from_scratch")
GRID = {
    "joint_fine_tuned": list(itertools.product((5, 50, 200), (1e-3, 3e-3, 1e-2))),
    "from_scratch": list(itertools.product((200, 1_000), (1e-3, 3e-3))),
}
"""Steps and rates to choose from."""
METHODS = (*TRAINED, *FITTED)


def row(
    method: str, task: str, seed: int, steps: int, demonstrated: int, goals: int, rollouts: int,
    shots: tuple[int, ...] | list[int], limit: int, workers: int | None,
) -> dict[str, Any]:  # fmt: skip
    """One method on one task; `shots` are those of the test, training has one."""
    begin = time.perf_counter()
    counts = (4, 4, max(4, 1 + max(shots)))
    found = Demonstrations(task, goals=(demonstrated, 20, goals), demonstrations=counts, seed=seed, workers=workers)
    collected = time.perf_counter()
    torch.manual_seed(seed)
    told: dict[str, Any] = {"limit": limit, "workers": workers}
    learner, chosen = learner_of(method, found, steps, seed, told)
    trained = time.perf_counter()
    at_once, *more = shots
    test = found.test.with_(shots=at_once)
    curve = {"curve_steps": 10} if method == "maml" else {}
    first = evaluate_control(learner, test, rollouts=rollouts, **curve, **told)
    stepping = first.steps is not None
    before = evaluate_control(learner, test, rollouts=rollouts, steps=0, **told) if stepping else None
    others = {k: evaluate_control(learner, found.test.with_(shots=k), rollouts=rollouts, **told) for k in more}
    close_workers()
    return {
        "method": method, "name": learner.name, "family": learner.family, "chosen": chosen,
        "success": list(first.interval), "not_adapted": None if before is None else list(before.interval),
        "over_shots": {str(k): list(each.interval) for k, each in {at_once: first, **others}.items()},
        "curve": first.curve, "curve_goals": first.curve_goals,
        # of each goal, so that rows can be compared in pairs
        "values": first.values.tolist(),
        "squared_error": list(evaluate(learner, test, goals, metric="squared error").interval),
        "parameters": sum(p.numel() for p in learner.parameters()),
        "seconds": {
            "demonstrations": round(collected - begin, 1), "training": round(trained - collected, 1),
            "evaluation": round(time.perf_counter() - trained, 1),
        },
        "source": first.source, "about": first.about,
    }  # fmt: skip


def learner_of(
    method: str, found: Demonstrations, steps: int, seed: int, told: dict[str, Any]
) -> tuple[Learner, dict[str, Any] | None]:
    """The learner of a method, trained, with steps and rate chosen where there are any to choose."""

    def trained(name: str) -> Learner:
        learner = TRAINED[name]()
        fit(
            learner, found.train, steps=steps, tasks_per_step=16, validation=found.validation, validation_tasks=20,
            seed=seed, mapping="vmap", progress=False,
        )  # fmt: skip
        return learner.eval()

    if method in TRAINED:
        return trained(method), None
    if method not in FROM_NETWORK:
        return FITTED[method](), None
    network = bias_mlp(7, 4) if method == "from_scratch" else trained("joint").get_submodule("network")
    make = FITTED[method]
    if method not in GRID:
        return make(network).eval(), None
    tried = {
        (count, rate): evaluate_control(
            make(network, inner_steps=count, inner_lr=rate), found.validation, rollouts=1, **told
        ).mean
        for count, rate in GRID[method]
    }
    count, rate = max(tried, key=lambda pair: tried[pair])
    chosen = {"inner_steps": count, "inner_lr": rate}
    said = {**chosen, "validation": [[*pair, success] for pair, success in tried.items()]}
    return make(network, **chosen), said


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--tasks", nargs="+", default=["reach", "push"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--demonstrated", type=int, default=150, help="training goals")
    parser.add_argument("--goals", type=int, default=50, help="test goals")
    parser.add_argument("--rollouts", type=int, default=2)
    parser.add_argument("--shots", nargs="+", type=int, default=[1], help="demonstrations of a test goal")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    head = {"command": "python evidence/control.py", "device": "cpu"}
    cells = [
        (method, task, seed, given.steps, given.demonstrated, given.goals, given.rollouts, given.shots, given.limit)
        for seed in given.seeds for task in given.tasks for method in given.methods
    ]  # fmt: skip
    grid(given.out, head, cells, partial(row, workers=given.workers))  # one at a time: a row takes all cores


if __name__ == "__main__":
    main()
