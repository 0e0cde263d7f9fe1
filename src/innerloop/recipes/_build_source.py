"""From a recipe's plain values to its tasks."""

from __future__ import annotations

from pathlib import Path

from innerloop.errors import ConfigurationError
from innerloop.recipes._recipe import Recipe
from innerloop.recipes.characters import CharactersRecipe
from innerloop.recipes.clinc import ClincRecipe
from innerloop.recipes.control import ControlRecipe
from innerloop.recipes.curves import CurvesRecipe
from innerloop.recipes.folder import FolderRecipe
from innerloop.recipes.omniglot import OmniglotRecipe
from innerloop.recipes.ratings import RatingsRecipe
from innerloop.recipes.sinusoids import SinusoidsRecipe
from innerloop.recipes.table import TableRecipe
from innerloop.recipes.text import TextRecipe
from innerloop.sources import (
    Characters,
    Clinc150,
    GPCurves,
    ImageFolder,
    Omniglot,
    Sinusoids,
    Splits,
    Table,
    Text,
)


def build_source(recipe: Recipe) -> Splits:
    """The tasks of a recipe. Validation and test tasks do not depend on its seed.

    With `train_classes` or `train_tasks` the training split has so many of them; the scaling of a table is still that
    of all its training tasks, so that errors after few and many tasks are in the same units.
    """
    source = _source(recipe)
    for unit in ("classes", "tasks"):
        if (count := getattr(recipe, f"train_{unit}", None)) is not None:
            source.train = source.train.with_(seed=recipe.seed, **{unit: count})
    return source


def _source(recipe: Recipe) -> Splits:
    match recipe:
        case CharactersRecipe():
            return Characters(ways=recipe.ways, shots=recipe.shots, queries=recipe.queries)
        case OmniglotRecipe():
            return Omniglot(
                recipe.data,
                recipe.protocol,
                ways=recipe.ways,
                shots=recipe.shots,
                queries=recipe.queries,
                download=recipe.download,
                augment=recipe.augment,
            )
        case FolderRecipe():
            return ImageFolder(
                _given(recipe.data, "the folder of pictures"),
                ways=recipe.ways,
                shots=recipe.shots,
                queries=recipe.queries,
                size=recipe.size,
                grey=recipe.grey,
                ink=recipe.ink,
                splits=None if recipe.splits is None else Path(recipe.splits),
            )
        case TableRecipe():
            return Table(
                _given(recipe.data, "the CSV file"),
                task=recipe.task,
                target=recipe.target,
                inputs=recipe.inputs or None,
                drop=recipe.drop,
                shots=recipe.shots,
                queries=recipe.queries,
                order=recipe.order,
                folds=recipe.folds,
                fold=recipe.fold,
            )
        case TextRecipe():
            return Text(
                _given(recipe.data, "the file of texts"),
                ways=recipe.ways,
                shots=recipe.shots,
                queries=recipe.queries,
                text=recipe.text,
                label=recipe.label,
                splits=None if recipe.splits is None else Path(recipe.splits),
                dimensions=recipe.dimensions,
            )
        case ClincRecipe():
            return Clinc150(
                recipe.data,
                ways=recipe.ways,
                shots=recipe.shots,
                queries=recipe.queries,
                within_domains=recipe.within_domains,
                dimensions=recipe.dimensions,
            )
        case SinusoidsRecipe():
            return Sinusoids(shots=recipe.shots, queries=recipe.queries)
        case CurvesRecipe(protocol="tnp"):
            return GPCurves.tnp(recipe.kernel, recipe.shots, recipe.queries)
        case CurvesRecipe():
            return GPCurves(recipe.kernel, recipe.shots, recipe.queries)
        case ControlRecipe():
            from innerloop.control import Demonstrations  # an application: loaded by those who want it

            goals = (recipe.train_goals, recipe.validation_goals, recipe.test_goals)
            shown = max(recipe.demonstrations, recipe.queries + max(recipe.over_shots, default=0))
            return Demonstrations(
                recipe.task,
                shots=recipe.shots,
                queries=recipe.queries,
                goals=goals,
                demonstrations=(recipe.demonstrations, shown, shown),
                noise=recipe.noise,
            )
        case RatingsRecipe():
            raise ConfigurationError(
                "Runs of `ratings` are recommenders: use `innerloop recommend RUN --events FILE.csv`, and "
                "innerloop.recommend in Python."
            )
        case _:
            raise ConfigurationError(f"No data are known for {type(recipe).__name__}.")


def _given(path: str, what: str) -> str:
    if not path:
        raise ConfigurationError(f"This recipe needs data: name {what} with --data.")
    return path
