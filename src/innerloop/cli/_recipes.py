"""`innerloop recipes`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from innerloop.cli._parse import UsageError
from innerloop.recipes import METHODS, POLICY_METHODS, POLICY_RECIPES, RECIPES, policy_recipe, recipe
from innerloop.recipes._policy_recipe import PRESETS


def run(arguments: Sequence[str]) -> int:
    """Lists the recipes with the settings of each method."""
    if arguments and arguments[0] in ("-h", "--help"):
        print("usage: innerloop recipes\n\nLists the recipes, and how the settings differ between methods.")
        return 0
    if arguments:
        raise UsageError(f"`innerloop recipes` takes no arguments; got {' '.join(arguments)!r}.")
    for name in RECIPES:
        default = recipe(name)
        print(f"{name}: {type(default).__doc__}")
        fields = [field.name for field in dataclasses.fields(default) if field.name not in ("recipe", "method")]
        print("  " + ", ".join(f"{field}={getattr(default, field)!r}" for field in fields))
        for method in METHODS[1:]:
            other = recipe(name, method)
            changed = [f"{f}={getattr(other, f)!r}" for f in fields if getattr(other, f) != getattr(default, f)]
            print(f"  --method {method}: {', '.join(changed) or 'the same settings'}")
        print()
    _policies()
    return 0


def _policies() -> None:
    print("Reinforcement learning, with what a training costs at most:")
    for name in POLICY_RECIPES:
        default = policy_recipe(name)
        print(f"{name}: {type(default).__doc__}")
        print("  " + ", ".join(f"{f}={v!r}" for f, v in vars(default).items() if f not in ("recipe", "method")))
        for method in POLICY_METHODS if default.tensors else [each for each in POLICY_METHODS if each != "rl2"]:
            costs = [(preset, policy_recipe(name, method, preset).environment_steps) for preset in PRESETS]
            said = ", ".join(f"{steps / 1e6:.1f} million environment steps ({preset})" for preset, steps in costs)
            print(f"  --method {method}: {said}")
        print()
