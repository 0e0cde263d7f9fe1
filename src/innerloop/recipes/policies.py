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

_RL2: dict[str, Any] = {"tasks": 100, "episodes": 4, "trace": 0.95, "rate": 3e-3}
"""A trial is long and a GRU small: many trials a step. A choice, like whatever names no source below."""


def navigation(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """Goals on a plane. "short" is small.

    Source: "paper" has the tasks, episodes and network of Finn et al. 2017, "Model-agnostic meta-learning", section
    5.3 and their code; "short" is smaller.
    """
    base = NavigationRecipe(recipe="navigation", hidden=(32, 32), std=0.2)
    rl2 = {**_RL2, "tasks": 16, "rounds": 3}
    return _made(
        base, method, preset, {"rl2": rl2}, {"iterations": 500, "tasks": 20, "episodes": 20, "hidden": (64, 64)}
    )


def bandits(method: str = "rl2", preset: str = "short") -> PolicyRecipe:
    """Bernoulli bandits, by default for RL². "short" has 10 pulls, "paper" has 100.

    Source: Duan et al. 2016, "RL²", section 3.1, which has 10, 100 and 500 pulls and 5, 10 and 50 arms.
    """
    base = BanditsRecipe(recipe="bandits", iterations=200, tasks=25, rate=3e-3, inner_lr=1.0, rounds=1)
    base = dataclasses.replace(base, test_tasks=1_000, validation_tasks=500, inner_rates=_CHOICES)
    return _made(base, method, preset, {"rl2": {**_RL2, "rounds": 0}}, {"pulls": 100})


def tabular(method: str = "rl2", preset: str = "short") -> PolicyRecipe:
    """Random processes of 10 states and 5 actions, by default for RL², with trials of 5 ("paper": 10) episodes.

    Source: Duan et al. 2016, "RL²", section 3.2.
    """
    base = TabularRecipe(recipe="tabular", iterations=500, tasks=50, inner_lr=0.5, rounds=4, test_tasks=200)
    base = dataclasses.replace(base, inner_rates=_CHOICES)
    return _made(base, method, preset, {"rl2": _RL2}, {"rounds": 9, "iterations": 5_000})


def cheetah_velocity(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """A half cheetah finds out at which speed to run. "short" is for two cores, "paper" for many.

    The horizon of 100 in "short" is that of ProMP's published script, half of Finn et al.'s; its batch of 20 tasks with
    10 episodes is a quarter of the script's 40 with 20, for more outer steps.

    Source: "paper" has the tasks, episodes and horizon of Finn et al. 2017, section 5.3. Rates and networks of both are
    those of Rothfuss et al. 2019, "ProMP", `run_scripts/pro-mp_run_mujoco.py` in their repository.

    >>> [cheetah_velocity(preset=preset).environment_steps for preset in ("short", "paper")]
    [64000000, 320000000]
    """
    base = SimulatedRecipe(
        recipe="cheetah-velocity", iterations=1_600, tasks=20, episodes=10, horizon=100, rate=1e-3, inner_lr=0.1
    )
    base = dataclasses.replace(base, inner_rates=_MOVES)
    return _made(base, method, preset, {}, _PAPER)


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
    base = dataclasses.replace(base, inner_lr=0.1, test_tasks=20, validate_every=10, inner_rates=_MOVES)
    return _made(base, method, preset, {}, {**_METAWORLD, "iterations": 100})


def ml10(method: str = "promp", preset: str = "short") -> PolicyRecipe:
    """Meta-World's ML10: tests are on classes that were not trained on. "paper" takes 20 million steps.

    Nobody's success there is high. Source: as of `ml1`; 20 million steps as in McLean et al. 2025, "Meta-World+".
    """
    base = dataclasses.replace(ml1(method, preset), recipe="ml10")
    assert isinstance(base, MetaWorldRecipe)
    return dataclasses.replace(base, benchmark="ML10", task=None)


_CHOICES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Inner rates to try where an action is a choice: around those of the recipes."""
_MOVES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Inner rates to try for simulated robots. One step at 0.1 moves a policy of deviation 1 by hundredths of a nat and one
of deviation 0.1 by hundreds of them, and deviations shrink in training: so the rates reach down."""
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


def at_cost(recipe: PolicyRecipe, environment_steps: int) -> PolicyRecipe:
    """The recipe with as many outer steps as it takes for a number of environment steps.

    Args:
        recipe: its own number of outer steps does not count.
        environment_steps: of the whole training.

    >>> at_cost(policy_recipe("navigation", "pooled"), 1_000_000).iterations  # of 16 x 8 x 100
    78
    """
    each = dataclasses.replace(recipe, iterations=1).environment_steps
    return dataclasses.replace(recipe, iterations=max(1, round(environment_steps / each)))


def _made(
    base: PolicyRecipe, method: str, preset: str, own: dict[str, dict[str, Any]], paper: dict[str, Any]
) -> PolicyRecipe:
    """A recipe for a method, with what the preset "paper" changes; all methods cost the environment steps of ProMP."""
    changes = {"preset": preset, **(paper if preset == "paper" else {})}
    promp = dataclasses.replace(base, **changes)
    return at_cost(
        dataclasses.replace(base, method=method, **{**own.get(method, {}), **changes}), promp.environment_steps
    )
