"""Few-shot robot control: how often an arm reaches a hidden goal that it was shown once.

    python evidence/control.py                    # all that is missing, then the picture
    python evidence/control.py --parts more       # only some of it
    python evidence/control.py --picture          # only the picture, of what is there

A row is one method on one task of Meta-World with one seed, which decides goals, demonstrations and weights. Steps and
rates of what is fine-tuned are chosen by the success on validation goals. There are three parts:

- `rows`: all methods on the main tasks after one demonstration;
- `curves`: fewer methods, the first seed and one rollout for each goal; success after 1, 2, 5, 10 and 20
  demonstrations, for which the steps of MAML are chosen as well; and after 0..10 inner steps on 1 and on 5
  demonstrations, where fine-tuning has the rate that is best for ten steps;
- `more`: fewer methods on more tasks, as they come out.

Rows are written to results/control.json when they are done and not computed again; a row that was made with other
choices to try is refused. Demonstrations are kept in the cache folder. Needs the extra `control`.
"""

from __future__ import annotations

import argparse
import copy
import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _control_picture import picture
from _grid import grid

from innerloop import methods
from innerloop.control import (
    Demonstrations,
    Manipulation,
    NearestStep,
    Replay,
    evaluate_control,
    evaluate_over_steps,
    last_state,
    select_by_success,
)
from innerloop.evaluation import evaluate
from innerloop.files import read_json
from innerloop.learner import Learner
from innerloop.networks import bias_mlp, mlp
from innerloop.outer import fit
from innerloop.workers import Spent, close_workers

OUT = Path("results/control.json")
PICTURE = Path("docs/images/control_curves.png")
TASKS, MORE_TASKS = ("reach", "push"), ("pick-place", "door-open", "drawer-close")
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
MANY, LONGER = 5, list(itertools.product((1_000,), (1e-3, 3e-3, 1e-2)))
"""From so many demonstrations on fine-tuning may take longer as well."""
CHOICE_ROLLOUTS = 4
"""Rollouts of each of the 20 validation goals where something is chosen: a standard error of about .05."""
METHODS = (*TRAINED, *FITTED)
MORE_METHODS = ("maml", "last_state", "joint", "joint_fine_tuned", "nearest_step", "replay")
CURVE_METHODS = ("maml", "joint_fine_tuned", "last_state")
CURVE_SHOTS, STEPS_SHOTS, CURVE_STEPS = (1, 2, 5, 10, 20), (1, 5), 10
MAML_STEPS = (1, 2, 3, 5)
"""Inner steps to choose from for MAML, which was trained with one, over numbers of demonstrations."""
PARTS = ("rows", "curves", "more")
CURVE_RATES = (1e-3, 3e-3, 1e-2, 3e-2)
"""Rates of Adam for fine-tuning, from which the best after ten steps is taken for the curve over steps."""


def row(
    method: str, task: str, seed: int, steps: int, demonstrated: int, goals: int, rollouts: int,
    shots: tuple[int, ...] | list[int], limit: int, workers: int | None,
) -> dict[str, Any]:  # fmt: skip
    """One method on one task; `shots` are those of the test, training has one."""
    counts = (4, 4, max(4, 1 + max(shots)))
    found = Demonstrations(task, goals=(demonstrated, 20, goals), demonstrations=counts, seed=seed, workers=workers)
    collected = Spent.now()
    torch.manual_seed(seed)
    told: dict[str, Any] = {"limit": limit, "workers": workers}
    learner, chosen = learner_of(method, found, steps, seed, told)
    trained = Spent.now()
    at_once, *more = shots
    test = found.test.with_(shots=at_once)
    curve = {"curve_steps": 10} if method == "maml" else {}
    first = evaluate_control(learner, test, rollouts=rollouts, **curve, **told)
    stepping = first.steps is not None
    before = evaluate_control(learner, test, rollouts=rollouts, steps=0, **told) if stepping else None
    others = {k: evaluate_control(learner, found.test.with_(shots=k), rollouts=rollouts, **told) for k in more}
    close_workers()
    parts = ("demonstrations", "training", "evaluation")
    spent = dict(zip(parts, (found.spent, trained.since(collected), Spent.now().since(trained)), strict=True))
    return {
        "method": method, "name": learner.name, "family": learner.family, "chosen": chosen,
        "success": list(first.interval), "not_adapted": None if before is None else list(before.interval),
        "over_shots": {str(k): list(each.interval) for k, each in {at_once: first, **others}.items()},
        "curve": first.curve, "curve_goals": first.curve_tasks,
        # of each goal, so that rows can be compared in pairs
        "values": first.values.tolist(),
        "values_over_shots": {str(k): each.values.tolist() for k, each in others.items()},
        "squared_error": list(evaluate(learner, test, goals, metric="squared error").interval),
        "parameters": sum(p.numel() for p in learner.parameters()),
        # demonstrations are collected once for all rows of a task and a seed
        "seconds": {part: round(each.seconds, 1) for part, each in spent.items()},
        "cpu_seconds": {part: round(each.cpu_seconds, 1) for part, each in spent.items()},
        "hides_its_goal": Manipulation(task).hides_its_goal,
        "source": test.describe(), "about": first.about,
    }  # fmt: skip


def learner_of(
    method: str, found: Demonstrations, steps: int, seed: int, told: dict[str, Any]
) -> tuple[Learner, dict[str, Any] | None]:
    """The learner of a method, trained, with steps and rate chosen where there are any to choose."""
    if method in TRAINED:
        return trained(method, found, steps, seed), None
    if method not in FROM_NETWORK:
        return FITTED[method](), None
    network = network_of(method, found, steps, seed)
    if method not in GRID:
        return FITTED[method](network).eval(), None
    return tuned(method, network, GRID[method], found.validation, told)


def trained(method: str, found: Demonstrations, steps: int, seed: int) -> Learner:
    """What is trained on all training goals."""
    learner = TRAINED[method]()
    fit(
        learner, found.train, steps=steps, tasks_per_step=16, validation=found.validation, validation_tasks=20,
        seed=seed, mapping="vmap", progress=False,
    )  # fmt: skip
    return learner.eval()


def network_of(method: str, found: Demonstrations, steps: int, seed: int) -> Any:
    """What a method goes on from: the joint network, or fresh weights."""
    return bias_mlp(7, 4) if method == "from_scratch" else trained("joint", found, steps, seed).get_submodule("network")


def tuned(
    method: str, start: Any, settings: list[tuple[int, float]], validation: Any, told: dict[str, Any]
) -> tuple[Learner, dict[str, Any]]:
    """The steps and the rate that reach most validation goals: of what is fitted from a network, or of a learner."""

    def make(pair: tuple[int, float]) -> Learner:
        if method in FITTED:
            return FITTED[method](start, inner_steps=pair[0], inner_lr=pair[1])
        learner: Learner = copy.deepcopy(start)
        learner.test_steps = pair[0]
        return learner

    chosen = select_by_success(make, settings, validation, rollouts=CHOICE_ROLLOUTS, **told)
    count, rate = chosen.setting
    tried = [[*pair, success] for pair, success in chosen.tried]
    return chosen.learner, {"inner_steps": count, "inner_lr": rate, "validation": tried}


def choices(method: str, shots: int) -> list[tuple[int, float]]:
    """Steps and rates that are tried on a number of demonstrations, for the curve over these."""
    if method == "maml":
        return [(count, INNER["inner_lr"]) for count in MAML_STEPS]
    return GRID.get(method, []) + (LONGER if method in GRID and shots >= MANY else [])


def settings_of(part: str, method: str, *cell: Any) -> dict[str, Any]:
    """What decides a row and is no part of its cell: what is tried on validation goals, and on how many rollouts."""
    over_shots = {str(shots): choices(method, shots) for shots in CURVE_SHOTS}
    over_steps = CURVE_RATES if method in GRID else ()
    tried = {"tried": over_shots, "rates": over_steps} if part == "curves" else {"tried": GRID.get(method, [])}
    found = method in GRID or (part == "curves" and method == "maml")
    return {**tried, "rollouts": CHOICE_ROLLOUTS} if found else {}


def curves(
    method: str, task: str, seed: int, steps: int, demonstrated: int, goals: int, limit: int, workers: int | None
) -> dict[str, Any]:
    """One method on one task over numbers of demonstrations and of inner steps, one rollout for each goal."""
    begin = Spent.now()
    most = 1 + max(CURVE_SHOTS)
    sizes, counts = (demonstrated, 20, goals), (4, most, most)
    found = Demonstrations(task, goals=sizes, demonstrations=counts, seed=seed, workers=workers)
    torch.manual_seed(seed)
    told: dict[str, Any] = {"limit": limit, "workers": workers}
    if method in GRID:
        start = network_of(method, found, steps, seed)
    else:
        start, _ = learner_of(method, found, steps, seed, told)

    def fitted(shots: int, settings: list[tuple[int, float]]) -> tuple[Learner, dict[str, Any] | None]:
        if not settings:
            return start, None
        return tuned(method, start, settings, found.validation.with_(shots=shots), told)

    over_shots, over_steps, values, values_over_steps, chosen = {}, {}, {}, {}, {}
    for shots in CURVE_SHOTS:
        learner, chosen[f"shots {shots}"] = fitted(shots, choices(method, shots))
        done = evaluate_control(learner, found.test.with_(shots=shots), rollouts=1, **told)
        over_shots[str(shots)], values[str(shots)] = [*done.interval], done.values.tolist()
    for shots in STEPS_SHOTS if learner.test_steps is not None else ():
        rates = [(CURVE_STEPS, rate) for rate in CURVE_RATES] if method in GRID else []
        learner, chosen[f"steps, shots {shots}"] = fitted(shots, rates)
        test = found.test.with_(shots=shots)
        points = evaluate_over_steps(learner, test, curve_steps=CURVE_STEPS, **told)
        over_steps[str(shots)] = [[*point.interval] for point in points]
        values_over_steps[str(shots)] = [point.values.tolist() for point in points]
    close_workers()
    return {
        "method": method, "name": learner.name, "family": learner.family, "chosen": chosen,
        "over_shots": over_shots, "over_steps": over_steps, "values": values, "values_over_steps": values_over_steps,
        **Spent.now().since(begin)._asdict(), "source": found.test.describe(), "about": done.about,
    }  # fmt: skip


def main() -> None:
    """Computes the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", action="store_true", help="only draw what is in the file")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--more-methods", nargs="+", default=list(MORE_METHODS), choices=METHODS)
    parser.add_argument("--curve-methods", nargs="+", default=list(CURVE_METHODS), choices=METHODS)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--more-tasks", nargs="+", default=list(MORE_TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--curve-seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--demonstrated", type=int, default=150, help="training goals")
    parser.add_argument("--goals", type=int, default=50, help="test goals")
    parser.add_argument("--rollouts", type=int, default=2)
    parser.add_argument("--shots", nargs="+", type=int, default=[1], help="demonstrations of a test goal, of rows")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--image", type=Path, default=PICTURE)
    given = parser.parse_args()
    head = {"command": "python evidence/control.py", "device": "cpu"}
    sizes = (given.steps, given.demonstrated, given.goals)
    asked = {"rows": (given.tasks, given.methods), "more": (given.more_tasks, given.more_methods)}
    # one at a time: a row takes all cores
    for part in () if given.picture else given.parts:
        if part == "curves":
            cells: list[Any] = [
                (method, task, seed, *sizes, given.limit)
                for seed in given.curve_seeds for task in given.tasks for method in given.curve_methods
            ]  # fmt: skip
            compute, settings = partial(curves, workers=given.workers), partial(settings_of, part)
            grid(given.out, head, cells, compute, key="curves", settings=settings)
        else:
            tasks, chosen = asked[part]
            cells = [
                (method, task, seed, *sizes, given.rollouts, given.shots, given.limit)
                for seed in given.seeds for task in tasks for method in chosen
            ]  # fmt: skip
            compute, settings = partial(row, workers=given.workers), partial(settings_of, part)
            grid(given.out, head, cells, compute, settings=settings)
    if drawn := read_json(given.out).get("curves"):
        picture(drawn, given.image)


if __name__ == "__main__":
    main()
