"""`innerloop train RECIPE` for recipes of reinforcement learning."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli._parse import UsageError, named, options_and_recipe, value_of
from innerloop.recipes import PolicyRecipe, policy_recipe
from innerloop.recipes._unread_policy import demand_read


@dataclass(frozen=True)
class Options:
    """Options of the command itself; the recipe's fields stand beside them."""

    run: str | None = None
    """Folder of the run; None: runs/RECIPE-METHOD."""
    resume: bool = False
    """Go on from the last checkpoint of the run, if there is one."""
    checkpoint_seconds: float = 30.0
    """Time between checkpoints."""
    workers: int | None = None
    """Processes for the episodes of simulators; None: one for each core. They change no number."""
    ray: bool = False
    """Ray actors instead of processes, on the cluster at $RAY_ADDRESS or on this machine. Needs the extra `ray`."""
    threads: int | None = None
    """Threads of a CPU; None: as many as torch takes."""
    quiet: bool = False
    """Show no progress."""


def run(arguments: Sequence[str]) -> int:
    """Trains, measures, writes the page."""
    options, chosen = read(arguments)
    from innerloop.cli._policy_work import train_policy

    return train_policy(chosen, Path(options.run or f"runs/{chosen.recipe}-{chosen.method}"), options)


def read(arguments: Sequence[str]) -> tuple[Options, PolicyRecipe]:
    """The options and the recipe that a command line asks for; its first word is a name in `POLICY_RECIPES`.

    Raises:
        UsageError: for an unknown field, a value that does not fit, or workers where nothing is simulated.
        ConfigurationError: for an unknown method or preset, settings that cannot work, or that nothing reads.
    """
    name, rest = arguments[0], list(arguments[1:])
    default = policy_recipe(name, value_of("--method", rest), value_of("--preset", rest) or "short")
    if value_of("--recipe", rest) not in (None, name):
        raise UsageError(f"--recipe: the recipe is named once, and it is {name}.")
    cost = f"At most {default.environment_steps / 1e6:.1f} million environment steps as it stands."
    text = f"Meta-train a policy by the recipe {name!r}. {cost}"
    options, chosen = options_and_recipe(Options(), default, rest, f"innerloop train {name}", text)
    demand_workers(chosen, given := named(rest))
    demand_read(chosen, given)
    return options, chosen


def demand_workers(recipe: PolicyRecipe, given: Collection[str]) -> None:
    """Refuses worker processes for environments that are tensors.

    Args:
        recipe: the recipe.
        given: the options that a command line gives a value.

    Raises:
        UsageError: naming the option.
    """
    for name in ("workers", "ray"):
        if recipe.tensors and name in given:
            raise UsageError(
                f"--{name} means nothing for {recipe.recipe}: its environments are tensors, in this process."
            )
