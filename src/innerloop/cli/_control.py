"""`innerloop evaluate` for robot control: success in the simulator, and a GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.control import evaluate_control, video
from innerloop.errors import ConfigurationError
from innerloop.files import write_json
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes.control import ControlRecipe


def evaluate_success(
    run: Run, experiment: Experiment, *, split: str, goals: int, steps: int | None, curve_steps: int, out: str | None,
    gif: str | None,
) -> None:  # fmt: skip
    """Measures a run by its success, keeps the result with it, and writes a GIF if one is asked for.

    Args:
        run: its folder.
        experiment: its learner and source.
        split: which split.
        goals: how many goals, at most; a split has as many as the recipe says.
        steps: inner steps; None: as the recipe says.
        curve_steps: also measure after 0..N inner steps.
        out: file for the result; None: results/NAME.json in the run.
        gif: file for the GIF of the first goal; None: no GIF.
    """
    recipe = experiment.recipe
    assert isinstance(recipe, ControlRecipe)
    source: Any = getattr(experiment.source, split)
    count = min(goals, len(source.goals))
    found = evaluate_control(
        experiment.learner, source, count, rollouts=recipe.rollouts, steps=steps, curve_steps=curve_steps,
        limit=recipe.limit,
    )  # fmt: skip
    print(found)
    name = f"evaluate.success.{split}.{count}goals" + (f".{steps}steps" if steps is not None else "")
    path = Path(out) if out else run.folder / "results" / f"{name}.json"
    write_json(path, found.to_json())
    print(path)
    if gif is not None:
        print(video(experiment.learner, source, gif, limit=recipe.limit))


def demand_control(experiment: Experiment) -> None:
    """Refuses what only robot control has.

    Raises:
        ConfigurationError: if the run is of another kind.
    """
    if not isinstance(experiment.recipe, ControlRecipe):
        raise ConfigurationError(
            f"Only runs of robot control (`innerloop train reach`) have success and --video; this one is of "
            f"{experiment.recipe.recipe!r}."
        )
