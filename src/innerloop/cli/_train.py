"""`innerloop train RECIPE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli._parse import UsageError, named, options_and_recipe, value_of
from innerloop.cli._policy import run as run_policy
from innerloop.errors import closest
from innerloop.recipes import METHODS, POLICY_METHODS, POLICY_RECIPES, RECIPES, Recipe, recipe, variants

_ALL = [*RECIPES, *POLICY_RECIPES]


@dataclass(frozen=True)
class Options:
    """Options of the command itself; the recipe's fields stand beside them."""

    run: str | None = None
    """Folder of the run; None: runs/RECIPE-METHOD, with -pretrained behind it if it starts from another run."""
    minutes: float | None = None
    """Training time in minutes, validation included, in place of --steps: a short trial says how many steps that is."""
    resume: bool = False
    """Go on from the last checkpoint of the run, if there is one."""
    checkpoint_seconds: float = 30.0
    """Time between checkpoints."""
    device: str = "cpu"
    """Where the learner trains: cpu, cuda, cuda:1, mps."""
    threads: int | None = None
    """Threads of a CPU; None: as many as torch takes."""
    quiet: bool = False
    """Show no progress."""


def run(arguments: Sequence[str]) -> int:
    """Trains, measures, writes the page."""
    if arguments and arguments[0] in POLICY_RECIPES:
        return run_policy(arguments)
    options, chosen = read(arguments)
    from innerloop.cli._work import set_threads, train
    from innerloop.mapping import keep_large_blocks

    keep_large_blocks()
    set_threads(options.threads)
    name = f"{chosen.recipe}-{chosen.method.rpartition(':')[2]}{'-pretrained' if chosen.start else ''}"
    folder = Path(options.run or f"runs/{name}")
    return train(
        chosen,
        folder,
        resume=options.resume,
        checkpoint_seconds=options.checkpoint_seconds,
        quiet=options.quiet,
        minutes=options.minutes,
        device=options.device,
        given=named(arguments),
    )


def read(arguments: Sequence[str]) -> tuple[Options, Recipe]:
    """The options and the recipe that a command line asks for.

    Raises:
        UsageError: for an unknown recipe, method or field, or a value that does not fit.
    """
    if not arguments or arguments[0].startswith("-"):
        if arguments and arguments[0] in ("-h", "--help"):
            print(f"usage: innerloop train RECIPE [--method METHOD] [options]\n\nrecipes: {', '.join(RECIPES)}\n"
                  f"methods: {', '.join(METHODS)}, or FILE.py:FUNCTION of your own\n\n"
                  f"recipes of reinforcement learning: {', '.join(POLICY_RECIPES)}\n"
                  f"their methods: {', '.join(POLICY_METHODS)}\n\n"
                  "`innerloop train RECIPE --help` lists its options.")  # fmt: skip
            raise SystemExit(0)
        raise UsageError(f"Which recipe? There are {', '.join(_ALL)}, as in `innerloop train characters`.")
    name, rest = arguments[0], list(arguments[1:])
    if name not in RECIPES:
        raise UsageError(f"Unknown recipe {name!r}; there are {', '.join(_ALL)}.{closest(name, _ALL)}")
    if value_of("--minutes", rest) is not None and value_of("--steps", rest) is not None:
        raise UsageError("--minutes finds the number of steps and --steps gives it: name one of the two.")
    method = value_of("--method", rest) or "maml"
    variant = {key: value for key in variants(name) if (value := value_of(f"--{key}", rest)) is not None}
    default = recipe(name, method, **variant)
    text = f"Meta-train a learner by the recipe {name!r}."
    return options_and_recipe(Options(), default, rest, f"innerloop train {name}", text)
