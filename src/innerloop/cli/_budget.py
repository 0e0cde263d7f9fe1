"""`innerloop budget RECIPE`: what more training data would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from innerloop.cli._compare import read_with_recipe
from innerloop.cli._parse import UsageError
from innerloop.demands import at_least
from innerloop.recipes import RECIPES


@dataclass(frozen=True)
class Options:
    """Train on growing parts of the training data, and say what more of them would bring, and to whom."""

    methods: tuple[str, ...] = ()
    """Methods to train; none given: maml, prototypes and pretraining, as far as they apply."""
    fractions: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Parts of the training classes (of a table: of its tasks), smaller ones within larger ones."""
    sizes: tuple[int, ...] = ()
    """Numbers of training classes or tasks, in place of fractions; needed where tasks have no end (sinusoids)."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds of each; a seed draws its own parts."""
    minutes: float | None = None
    """Training time of each, validation included; None: the steps of the recipe, or --steps."""
    threads: int = 1
    """Threads of each training."""
    tasks: int | None = None
    """Test tasks; None: as the recipe says."""
    out: str = "runs/budget"
    """Folder for the runs, the rows, the page and the result as JSON; what is there is not done again."""
    json: str | None = None
    """Another place for the result as JSON, for instance results/budget.json."""
    processes: int | None = None
    """Trainings and rows at a time, one thread for a row; None: as many as cores."""


def run(arguments: Sequence[str]) -> int:
    """Trains what is missing, measures, prints the verdict, writes the page."""
    name, options, settings = read(arguments)
    check(options)
    from innerloop.cli._budgeting import budget

    budget(name, options, settings)
    return 0


def read(arguments: Sequence[str]) -> tuple[str, Options, dict[str, Any]]:
    """The recipe, the options, and the settings of the recipe that were given among them.

    Raises:
        UsageError: for an unknown recipe or field, or a value that does not fit.
    """
    if arguments and arguments[0] in ("-h", "--help"):
        print(f"usage: innerloop budget RECIPE [options]\n\nrecipes: {', '.join(RECIPES)}\n\n"
              "`innerloop budget RECIPE --help` lists its options.")  # fmt: skip
        raise SystemExit(0)
    if not arguments or arguments[0].startswith("-"):
        raise UsageError(f"Which recipe? There are {', '.join(RECIPES)}, as in `innerloop budget characters`.")
    name, rest = arguments[0], list(arguments[1:])
    options, settings = read_with_recipe(Options, name, rest, f"innerloop budget {name}")
    return name, options, settings


def check(options: Options) -> None:
    """Refuses what can be refused without looking at the data."""
    for name in ("tasks", "processes", "threads"):
        if (value := getattr(options, name)) is not None:
            at_least(f"--{name}", value, 1)
    for fraction in options.fractions:
        if not 0 < fraction <= 1:
            raise UsageError(f"--fractions: expected numbers above 0 and up to 1; got {fraction}.")
    for size in options.sizes:
        at_least("--sizes", size, 1)
    if not options.sizes and not options.fractions:
        raise UsageError("--fractions: expected at least one.")
