"""Meta-reinforcement learning: returns before and after adaptation, beside what needs no meta-learning.

    python evidence/rl.py --seeds 0 1 2
    python evidence/rl.py --families cheetah --workers 2 --threads 2

A row is one method on one family of tasks, trained with one seed by its recipe and judged on the recipe's fixed test
tasks. All methods that are trained on a family cost the same environment steps, and "scratch" is the untrained policy.
The rate of the inner step at test, of the recipe's `inner_rates`, and the width of UCB1's interval are for every method
the best on the validation split. Pooled pretraining is for no rate: in training, too, it is judged at the best one,
half of the validation tasks at the rate chosen on the other half. Rows are written to results/rl.json when they are
done and not computed again; a row that was made with other settings is refused. A training that was stopped goes on.
The half cheetah is for those who have hours, and needs the extra `rl`; its outer steps may have the cores of the worker
processes, which wait then. Seconds are those of a run, of all its legs, with validations and without what lies between
the legs: wall time, and CPU seconds with those of the worker processes, which other programs change less.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from _grid import Row, grid
from _returns_picture import PICTURE, picture

from innerloop import rl
from innerloop.files import read_json
from innerloop.outer import Run
from innerloop.recipes import PolicyRecipe, policy_recipe
from innerloop.recipes._build_policy import PolicyExperiment, build_policy
from innerloop.recipes._policy_recipe import SimulatedRecipe
from innerloop.recipes.policies import at_cost
from innerloop.workers import close_workers, cores

OUT = Path("results/rl.json")


class Family(NamedTuple):
    """Tasks by a recipe, and who is measured on them: always, and only where --methods names it."""

    recipe: str
    preset: str
    methods: tuple[str, ...]
    more: tuple[str, ...] = ()


RULES = ("UCB1", "UCB1 tuned", "Thompson", "random")
WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0)
TRAINING = ("method", "iterations", "tasks", "rate", "divergence", "inner_lr", "inner_steps", "validate_every", "width")
"""Fields of a recipe that change nothing for who is not trained."""
FAMILIES = {
    "navigation": Family("navigation", "short", ("promp", "maml_trpo", "fomaml_trpo", "pooled", "scratch")),
    "bandits": Family("bandits", "short", ("rl2", *RULES)),
    "bandits 100": Family("bandits", "paper", ("rl2", *RULES)),
    "cheetah": Family("cheetah-velocity", "short", ("promp", "pooled", "scratch"), ("maml_trpo",)),
}


def row(
    family: str, method: str, seed: int, *, iterations: int | None, runs: Path, workers: int | None,
    rate: float | None = None,
) -> Row:  # fmt: skip
    """One method on one family."""
    made = build_policy(recipe_of(family, method, seed, iterations, rate), workers)
    who: Any = made.learner
    found: Row = {}
    if method in RULES:
        who, found = rule(method, made)
    elif method != "scratch":
        found = trained(made, runs / f"rl-{family}-{method}-{seed}".replace(" ", "-"))
    if isinstance(who, rl.PolicyLearner):
        found["inner_lr"] = made.choose_rate(who)
    if isinstance(made.recipe, SimulatedRecipe):
        found["workers"] = cores() if workers is None else workers
    returns = made.evaluate(who, "test", made.recipe.test_tasks)
    close_workers()
    return {**found, "returns": returns.to_json()}


def recipe_of(family: str, method: str, seed: int, iterations: int | None, rate: float | None = None) -> PolicyRecipe:
    """What trains a method on a family.

    Args:
        family: a name in `FAMILIES`.
        method: of the family; rules and the untrained policy have the recipe of who is trained first.
        seed: of the training.
        iterations: outer steps of the one who is trained first; the others cost the same. None: as its recipe says.
        rate: of the outer step. None: as its recipe says.
    """
    where = FAMILIES[family]
    first = policy_recipe(where.recipe, where.methods[0], where.preset)
    untrained = method in (*RULES, "scratch")
    recipe = first if untrained else policy_recipe(where.recipe, method, where.preset)
    if iterations is not None:
        recipe = at_cost(recipe, dataclasses.replace(first, iterations=iterations).environment_steps)
    return dataclasses.replace(recipe, seed=seed, rate=recipe.rate if rate is None else rate)


def settings_of(family: str, method: str, seed: int, iterations: int | None, rate: float | None = None) -> Row:
    """What decides a row, in plain values: the recipe, and what else is tried on validation tasks."""
    found = recipe_of(family, method, seed, iterations, rate).to_json()
    if method in (*RULES, "scratch"):
        found = {name: value for name, value in found.items() if name not in TRAINING}
    return {**found, "widths": WIDTHS} if method == "UCB1 tuned" else found


def rule(name: str, made: PolicyExperiment) -> tuple[rl.BanditRule, Row]:
    """A rule for bandits, and what was chosen for it."""
    if name != "UCB1 tuned":
        return {"UCB1": rl.UCB1(), "Thompson": rl.Thompson(), "random": rl.RandomArm()}[name], {}
    tried = {
        width: made.evaluate(rl.UCB1(width), "validation", made.recipe.validation_tasks).curve[0].mean
        for width in WIDTHS
    }
    width = max(tried, key=lambda width: tried[width])
    return rl.UCB1(width), {"width": width}


def trained(made: PolicyExperiment, folder: Path) -> Row:
    """Trains, or goes on where it was stopped; with the returns on validation tasks over environment steps."""
    run = Run(folder)
    fit = rl.train(made.learner, run=run, resume=True, **made.train_settings())
    if fit.interrupted:
        raise KeyboardInterrupt
    lines = [line for line in run.metrics() if "validation" in line]
    return {
        "iterations": fit.iterations,
        "environment_steps": fit.environment_steps,
        "seconds": fit.seconds,
        "cpu_seconds": fit.cpu_seconds,
        "course": [[line["environment_steps"], line["validation_before"], line["validation"], line["half"]]
                   for line in lines],
        # of each validation task, so that two courses can be compared in pairs
        "course_values": [line["validation_values"] for line in lines],
        "course_still": lines[0]["still"],
    }  # fmt: skip


def main() -> None:
    """Fills in the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--families", nargs="+", default=["navigation", "bandits", "bandits 100"], choices=FAMILIES)
    parser.add_argument("--methods", nargs="+", default=None, help="else all but those that take hours more")
    parser.add_argument(
        "--iterations", type=int, default=None, help="of the method that a family names first; others cost as much"
    )
    parser.add_argument("--rate", type=float, default=None, help="of the outer step; else that of the recipe")
    parser.add_argument("--workers", type=int, default=None, help="processes for the cheetah; else one for each core")
    parser.add_argument("--threads", type=int, default=1, help="of the process that steps; workers have one each")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--image", type=Path, default=PICTURE)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    cells = [
        (family, method, seed)
        for seed in asked.seeds for family in asked.families
        for method in (*FAMILIES[family].methods, *FAMILIES[family].more)
        if method in (FAMILIES[family].methods if asked.methods is None else asked.methods)
    ]  # fmt: skip
    compute = partial(row, iterations=asked.iterations, rate=asked.rate, runs=asked.runs, workers=asked.workers)
    settings = partial(settings_of, iterations=asked.iterations, rate=asked.rate)
    head = {"command": "python evidence/rl.py"}
    rows = grid(asked.out, head, cells, compute, threads=asked.threads, settings=settings)
    for found in rows:
        curve = ", ".join(f"{mean:.2f} ± {half:.2f}" for mean, half in found["returns"]["curve"])
        print(f"{' '.join(map(str, found['cell']))}: {curve}")
    if drawn := [row for row in read_json(asked.out)["rows"] if row["cell"][0] == "cheetah" and row.get("course")]:
        picture(drawn, asked.image)


if __name__ == "__main__":
    main()
