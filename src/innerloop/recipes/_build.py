"""From a recipe's plain values to the things themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from innerloop.catalogue import METHODS, is_own
from innerloop.errors import ConfigurationError
from innerloop.gradient import LearnedRates
from innerloop.learner import Learner
from innerloop.own import guarded
from innerloop.recipes._build_network import build_maps, build_network, outputs_of
from innerloop.recipes._recipe import ClassRecipe, Recipe
from innerloop.recipes._start import start_from_run
from innerloop.recipes._unread import function_of, parameters_of
from innerloop.recipes.curves import CurvesRecipe
from innerloop.sources import (
    HashedNgrams,
    Splits,
    Table,
    Text,
)


@dataclass(frozen=True, eq=False)
class Experiment:
    """A recipe brought to life.

    Attributes:
        recipe: the plain values.
        source: the tasks; evaluation splits have `queries` query examples.
        learner: the learner with its initial weights.
    """

    recipe: Recipe
    source: Splits
    learner: Learner

    def fit_settings(self) -> dict[str, Any]:
        """Arguments for `innerloop.fit`, apart from learner and run folder."""
        recipe = self.recipe
        shape: dict[str, Any] = {"queries": recipe.train_queries, "seed": recipe.seed}
        if recipe.train_shots is not None:
            shape["shots"] = recipe.train_shots
        if isinstance(recipe, ClassRecipe) and recipe.train_ways is not None:
            shape["ways"] = recipe.train_ways
        if isinstance(recipe, CurvesRecipe):
            shape["points"] = recipe.points
        return {
            "source": self.source.train.with_(**shape),
            "validation": self.source.validation,
            "steps": recipe.steps,
            "tasks_per_step": recipe.tasks_per_step,
            "optimiser": _optimiser(recipe, self.learner),
            "scheduler": _scheduler(recipe),
            "clip": recipe.clip,
            "validate_every": recipe.validate_every,
            "validation_tasks": recipe.validation_tasks,
            "patience": recipe.patience,
            "seed": recipe.seed,
            "mapping": recipe.mapping,
            "chunk": recipe.chunk,
            "memory": recipe.memory,
            "config": {"recipe": recipe.to_json(), **self._preparation()},
        }

    def _preparation(self) -> dict[str, Any]:
        # kept with the run, so that `innerloop adapt` needs no training data
        if isinstance(self.source, Text) and isinstance(self.source.encoder, HashedNgrams):
            return {"ngrams": self.source.encoder.to_json()}
        return {"scaling": asdict(self.source.scaling)} if isinstance(self.source, Table) else {}


def build(recipe: Recipe, *, start: bool = True) -> Experiment:
    """Makes the source and the learner of a recipe; weights are drawn from its seed.

    Args:
        recipe: the plain values.
        start: with the features of the run that `recipe.start` names; False where trained weights are loaded anyway.

    Raises:
        DataError: if the data cannot be used.
        ConfigurationError: if the settings cannot work, or pretrained features do not fit.
    """
    source = recipe.source()
    learner = build_learner(recipe, source)
    if start and recipe.start is not None:
        start_from_run(learner, recipe, recipe.start)
    return Experiment(recipe, source, learner)


def build_learner(recipe: Recipe, source: Splits) -> Learner:
    """The recipe's learner with weights drawn from its seed.

    The function of the method says by the names of its parameters what it wants: `network` is one with a head for the
    tasks, `embedding` one without, `maps` one whose output is a feature map (of pictures; else as `embedding`),
    `classifier` one with a head for all training classes; every other name that a recipe has a value for is given that
    value.

    Raises:
        ConfigurationError: if the method cannot learn such tasks, or a file of one's own does not give a learner.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        make, wanted = _method(recipe, source.train[0].ways)
        known = _known(recipe, source)
        for name, outputs in (
            ("network", lambda: outputs_of(source)),
            ("embedding", lambda: None),
            ("classifier", lambda: source.train.flat().batch(torch.arange(1)).ways),
        ):
            if name in wanted:
                known[name] = build_network(recipe, source, outputs())
        if "maps" in wanted:
            known["maps"] = build_maps(recipe, source)
        missing = [name for name, needed in wanted.items() if needed and name not in known]
        if missing:
            raise ConfigurationError(
                f"{recipe.method} wants {missing[0]!r}, and this recipe knows no such thing; it has network, "
                f"embedding, maps, classifier, {', '.join(sorted(known))}."
            )
        arguments = {name: known[name] for name in wanted if name in known}
        if not is_own(recipe.method):
            return make(**arguments)
        return _demand_learner(guarded(lambda: make(**arguments), recipe.method), recipe.method)


def _method(recipe: Recipe, ways: int | None) -> tuple[Callable[..., Learner], dict[str, bool]]:
    """A method's function, and the names of its parameters: True where it has no default."""
    learns = "both" if is_own(recipe.method) else METHODS[recipe.method].learns
    if learns != "both" and (ways is None) == (learns == "classes"):
        has = "no classes" if ways is None else f"{ways} classes"
        raise ConfigurationError(
            f"{recipe.method} learns {learns}, and these tasks have {has}. Use maml, which learns both."
        )
    make = function_of(recipe.method, classes=ways is not None)
    return make, parameters_of(make)


def _known(recipe: Recipe, source: Splits) -> dict[str, Any]:
    """What methods may ask for: the fields that every recipe has, and what the tasks are like."""
    task = source.train[0]
    # label slots for the largest tasks, which may be those of training
    more = recipe.train_ways if isinstance(recipe, ClassRecipe) else None
    return {
        **{field.name: getattr(recipe, field.name) for field in fields(Recipe)},
        "ways": task.ways if more is None or task.ways is None else max(task.ways, more),
        "inputs": task.support.x[0].numel(),
        "outputs": outputs_of(source),
        "length": len(task.support) + 1,
        # 10 of 100 epochs, as in the published code of MAML++
        "anneal_until": max(1, recipe.steps // 10),
    }


def _demand_learner(made: Any, name: str) -> Learner:
    if not isinstance(made, Learner):
        raise ConfigurationError(f"{name} gives an object of type {type(made).__name__}; expected a Learner.")
    return made


def _optimiser(recipe: Recipe, learner: Learner) -> Callable[[Iterable[nn.Parameter]], Optimizer]:
    rates = {id(p) for part in learner.modules() if isinstance(part, LearnedRates) for p in part.parameters()}
    if recipe.rates_lr is not None and not rates:
        raise ConfigurationError(
            f"{recipe.method} learns no inner rates, so --rates-lr would change nothing. Leave it out, or choose a "
            "method that does (meta_sgd, maml_plus_plus)."
        )

    def made(parameters: Iterable[nn.Parameter]) -> Optimizer:
        given = list(parameters)
        groups: list[dict[str, Any]] = [{"params": given}]
        if recipe.rates_lr is not None:
            groups = [
                {"params": [p for p in given if id(p) not in rates]},
                {"params": [p for p in given if id(p) in rates], "lr": recipe.rates_lr},
            ]
        return torch.optim.AdamW(groups, lr=recipe.lr, weight_decay=recipe.weight_decay)

    return made


def _scheduler(recipe: Recipe) -> Callable[[Optimizer], LRScheduler] | None:
    if recipe.schedule == "constant":
        return None
    return lambda optimiser: CosineAnnealingLR(optimiser, T_max=recipe.steps)
