"""`innerloop recipes`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from innerloop.cli._parse import UsageError
from innerloop.recipes import METHODS, RECIPES, recipe


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
    return 0
