"""The rows that every run gets: itself, itself without a look at the query batch, and what needs no training."""

from __future__ import annotations

import sys
from typing import Any

from innerloop.cli._chosen_rival import rival
from innerloop.cli._rivals import RIVALS
from innerloop.evaluation import Evaluation, evaluate
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes._recipe import ClassRecipe, Recipe
from innerloop.recipes.control import ControlRecipe
from innerloop.recipes.curves import CurvesRecipe


def free_rivals(recipe: Recipe) -> list[str]:
    """What costs nothing to have: nearest mean on raw inputs, the trivial predictor, a curve's posterior."""
    classes, curves = isinstance(recipe, ClassRecipe), isinstance(recipe, CurvesRecipe)
    return [kind for kind, one in RIVALS.items() if one.with_runs and one.suits(classes=classes, curves=curves)]


def measure(
    experiment: Experiment, run: Run, *, tasks: int, quiet: bool, source: Any = None, label: str = "test"
) -> None:
    """Evaluates a run and its trivial rivals on the same tasks; writes `results/LABEL*.json`.

    Args:
        experiment: the run's learner and source.
        run: its folder.
        tasks: how many tasks.
        quiet: print nothing.
        source: other tasks than the recipe's test split.
        label: prefix of the result files.
    """
    split = experiment.source.test if source is None else source
    learner, recipe = experiment.learner, experiment.recipe

    def keep(name: str, found: Evaluation) -> None:
        run.save_result(name, found.to_json())
        if not quiet:
            print(found, file=sys.stderr)

    steps = recipe.curve_steps if learner.test_steps is not None else 0
    keep(label, evaluate(learner, split, tasks, curve_steps=steps))
    if learner.norm == "batch":
        keep(f"{label}.support", evaluate(learner, split, tasks, norm="support"))
    for kind in free_rivals(recipe):
        row, _, _ = rival(kind, experiment)
        # the oracle is told what a task was drawn from
        shown = split.with_(known=True) if row.family == "oracle" else split
        keep(f"{label}.{kind}", evaluate(row, shown, tasks))
    if isinstance(recipe, ControlRecipe) and source is None:
        from innerloop.cli._success import measure_success  # an application: loaded by those who want it

        learner.cpu()  # its processes step simulators
        measure_success(experiment, run, quiet=quiet)
