"""The rows that every run gets: itself, itself without a look at the query batch, and what needs no training."""

from __future__ import annotations

import sys
from typing import Any

from innerloop import methods
from innerloop.evaluation import Evaluation, evaluate
from innerloop.learner import Learner
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes._recipe import ClassRecipe, CurvesRecipe


def rivals(experiment: Experiment) -> dict[str, Learner]:
    """Learners that cost nothing to have: the trivial predictor, nearest mean on raw inputs, a curve's posterior."""
    rows: dict[str, Learner] = {"constant": methods.constant()}
    if isinstance(experiment.recipe, ClassRecipe):
        rows["nearest_mean"] = methods.nearest_mean()
    if isinstance(experiment.recipe, CurvesRecipe):
        test: Any = experiment.source.test
        rows["gaussian_process"] = methods.gaussian_process(kernel=test.kernel, noise=test.noise, known=True)
    return rows


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
    for name, rival in rivals(experiment).items():
        # the oracle is told what a task was drawn from
        shown = split.with_(known=True) if name == "gaussian_process" else split
        keep(f"{label}.{name}", evaluate(rival, shown, tasks))
