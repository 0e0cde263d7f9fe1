"""Experiments of meta-reinforcement learning by name. Nothing here imports torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from innerloop.errors import ConfigurationError, closest
from innerloop.recipes._checked import restored
from innerloop.recipes._policy_recipe import (
    PRESETS,
    BanditsRecipe,
    MetaWorldRecipe,
    NavigationRecipe,
    PolicyRecipe,
    SimulatedRecipe,
    TabularRecipe,
)

_RL2: dict[str, Any] = {"tasks": 100, "episodes": 4, "trace": 0.95, "rate": 3e-3, "iterations": 200, "rounds": 0}
"""A trial is long and a GRU small: many trials a step. From a first trial, not from a search."""


def navigation(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """Goals on a plane. "short" takes less than a minute of one core.

    Source: "paper" has the tasks, episodes and network of Finn et al. 2017, "Model-agnostic meta-learning", section
    5.3 and their code; "short" is smaller, and its rates are those of first trials.
    """
    base = NavigationRecipe(recipe="navigation", hidden=(32, 32), std=0.2)
    own = {
        "maml_trpo": {"iterations": 25},
        "fomaml_trpo": {"iterations": 25},
        "pooled": {"iterations": 120},  # one round of episodes in each where ProMP draws two
        "pooled paper": {"iterations": 1_000},
        "rl2": {**_RL2, "tasks": 40, "rounds": 2, "iterations": 100},
    }
    return _made(base, method, preset, own, {"iterations": 500, "tasks": 20, "episodes": 20, "hidden": (64, 64)})


def bandits(method: str = "rl2", preset: str = "short") -> PolicyRecipe:
    """Bernoulli bandits, by default for RL². "short" has 10 pulls and takes half a minute of one core; "paper" has 100.

    Source: Duan et al. 2016, "RL²", section 3.1, which has 10, 100 and 500 pulls and 5, 10 and 50 arms.
    """
    base = BanditsRecipe(recipe="bandits", rate=3e-3, inner_lr=1.0, rounds=1, test_tasks=1_000, validation_tasks=200)
    return _made(base, method, preset, {"rl2": _RL2}, {"pulls": 100})


def tabular(method: str = "rl2", preset: str = "short") -> PolicyRecipe:
    """Random processes of 10 states and 5 actions, by default for RL², with trials of 5 ("paper": 10) episodes.

    Source: Duan et al. 2016, "RL²", section 3.2.
    """
    base = TabularRecipe(recipe="tabular", inner_lr=0.5, rounds=4, test_tasks=200)
    return _made(base, method, preset, {"rl2": {**_RL2, "rounds": 4}}, {"rounds": 9, "iterations": 1_000})


def cheetah_velocity(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """A half cheetah finds out at which speed to run. "short" is made for an hour of two cores.

    Source: "paper" has the tasks, episodes and horizon of Finn et al. 2017, section 5.3, with the rates of Rothfuss et
    al. 2019, "ProMP", appendix D.
    """
    base = SimulatedRecipe(
        recipe="cheetah-velocity", iterations=600, tasks=20, episodes=10, horizon=100, rate=1e-3, inner_lr=0.1, rounds=1
    )
    return _made(base, method, preset, _RUNNING, _PAPER)


def cheetah_direction(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """A half cheetah finds out whether to run forward or backward: two tasks, and no others to generalise to.

    Source: as of `cheetah_velocity`.
    """
    base = cheetah_velocity(method, preset)
    return dataclasses.replace(base, recipe="cheetah-direction", **_TWO)


def ant_direction(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """An ant finds out whether to run forward or backward: two tasks, and no others to generalise to.

    Source: as of `cheetah_velocity`. An ant's step takes several times as long as a cheetah's.
    """
    base = cheetah_velocity(method, preset)
    return dataclasses.replace(base, recipe="ant-direction", **_TWO)


def ml1(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """Meta-World's ML1 with the class that --task names. "short" shows that it runs and learns little; "paper" is days.

    Source: Yu et al. 2020, "Meta-World", appendix: 20 tasks of 10 episodes a step for MAML-TRPO.
    """
    base = MetaWorldRecipe(
        recipe="ml1", iterations=20, tasks=10, episodes=5, horizon=200, rate=1e-3, validation_tasks=10, rounds=1
    )
    base = dataclasses.replace(base, inner_lr=0.1, test_tasks=20, validate_every=10)
    own = {"pooled": {"iterations": 40}}
    return _made(base, method, preset, own, {**_METAWORLD, "iterations": 100})


def ml10(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """Meta-World's ML10: tests are on classes that were not trained on. "paper" takes 20 million steps.

    Nobody's success there is high. Source: as of `ml1`; 20 million steps as in McLean et al. 2025, "Meta-World+".
    """
    base = dataclasses.replace(ml1(method, preset), recipe="ml10")
    assert isinstance(base, MetaWorldRecipe)
    return dataclasses.replace(base, benchmark="ML10", task=None)


_RUNNING: dict[str, dict[str, Any]] = {
    # one round of episodes in an outer step where the others draw two
    "pooled": {"iterations": 1_200},
    "pooled paper": {"iterations": 2_000},
    # a step takes longer than ProMP's: the same hour
    "maml_trpo": {"iterations": 480},
}
_PAPER: dict[str, Any] = {"iterations": 1_000, "tasks": 40, "episodes": 20, "horizon": 200}
_METAWORLD: dict[str, Any] = {"tasks": 20, "episodes": 10, "horizon": 500, "test_tasks": 50}
_TWO: dict[str, Any] = {"validation_tasks": 2, "test_tasks": 2}

POLICY_RECIPES: dict[str, Callable[..., PolicyRecipe]] = {
    "navigation": navigation,
    "bandits": bandits,
    "tabular": tabular,
    "cheetah-velocity": cheetah_velocity,
    "cheetah-direction": cheetah_direction,
    "ant-direction": ant_direction,
    "ml1": ml1,
    "ml10": ml10,
}


def policy_recipe(name: str, method: str | None = None, preset: str = "short") -> PolicyRecipe:
    """The recipe `name` with its settings for a method and a preset.

    Args:
        name: a name in `POLICY_RECIPES`.
        method: a name in `POLICY_METHODS`; None: the recipe's own.
        preset: "short" or "paper".

    Raises:
        ConfigurationError: if there is no such recipe, method or preset.

    >>> policy_recipe("navigation").environment_steps
    1536000
    """
    if name not in POLICY_RECIPES:
        raise ConfigurationError(
            f"Unknown recipe {name!r}; of reinforcement learning there are {', '.join(POLICY_RECIPES)}."
            f"{closest(name, list(POLICY_RECIPES))}"
        )
    if preset not in PRESETS:
        raise ConfigurationError(f"Unknown preset {preset!r}; there are {', '.join(PRESETS)}.")
    given = {} if method is None else {"method": method}
    return POLICY_RECIPES[name](**given, preset=preset)


def policy_from_json(value: Any) -> PolicyRecipe:
    """The recipe that `PolicyRecipe.to_json` wrote.

    Raises:
        ConfigurationError: if it names no recipe, has fields that this version does not know, or values of other types.
    """
    return restored(value, policy_recipe)


def _made(
    base: PolicyRecipe, method: str, preset: str, own: dict[str, dict[str, Any]], paper: dict[str, Any]
) -> PolicyRecipe:
    """A recipe for a method, with what the preset "paper" changes."""
    changes = {"method": method, "preset": preset, **own.get(method, {})}
    if preset == "paper":
        changes |= paper | own.get(f"{method} paper", {})
    return dataclasses.replace(base, **changes)
