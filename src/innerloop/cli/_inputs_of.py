"""Which kind of files a run, or an adapted model, knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.cli._inputs import Inputs
from innerloop.cli._picture_inputs import PictureInputs
from innerloop.cli._table_inputs import TableInputs
from innerloop.cli._text_inputs import TextInputs
from innerloop.errors import CheckpointError, ConfigurationError, InnerloopError
from innerloop.outer import Run
from innerloop.recipes import Recipe
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.recipes.clinc import ClincRecipe
from innerloop.recipes.table import TableRecipe
from innerloop.recipes.text import TextRecipe
from innerloop.sources import HashedNgrams, Pictures
from innerloop.sources._scaling import Scaling


def of_run(run: Run, recipe: Recipe) -> Inputs:
    """The inputs of a run's recipe.

    Raises:
        ConfigurationError: if its tasks are made up, so that nobody has files of them.
        CheckpointError: if the run does not say how its table was scaled.
    """
    if isinstance(recipe, PictureRecipe):
        return PictureInputs(recipe.pictures())
    if isinstance(recipe, TableRecipe):
        return from_about({"scaling": run.config().get("scaling")}, run.folder / "config.json")
    if isinstance(recipe, TextRecipe | ClincRecipe):
        columns = {name: getattr(recipe, name, name) for name in ("text", "label")}
        return from_about({"ngrams": run.config().get("ngrams"), **columns}, run.folder / "config.json")
    raise ConfigurationError(
        f"`innerloop adapt` is for runs on pictures, texts and tables; the recipe {recipe.recipe!r} makes its tasks "
        "up. In Python, learner.adapted(x, y) adapts any learner."
    )


def from_about(about: dict[str, Any], path: Path) -> Inputs:
    """The inputs that `about` describes.

    Raises:
        CheckpointError: if it describes none.
    """
    try:
        if about.get("scaling") is not None:
            return TableInputs(Scaling(**about["scaling"]))
        if about.get("ngrams") is not None:
            return TextInputs(HashedNgrams.from_json(about["ngrams"]), str(about["text"]), str(about["label"]))
        if about.get("pictures") is not None:
            return PictureInputs(Pictures(**about["pictures"]))
    except (KeyError, TypeError, ValueError, AttributeError, InnerloopError) as error:
        raise CheckpointError(f"{path} is damaged: its description of the inputs is {about}: {error}.") from error
    raise CheckpointError(
        f"{path} does not say how its inputs were prepared: it was made from Python. Predict there, with "
        "innerloop.load."
    )
