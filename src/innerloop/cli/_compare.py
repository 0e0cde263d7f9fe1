"""`innerloop compare RUN RUN ...`, or `innerloop compare --recipe RECIPE --methods METHOD METHOD ...`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from innerloop.cli._parse import UsageError, joined, named, parse, value_of
from innerloop.demands import at_least
from innerloop.errors import closest
from innerloop.recipes import RECIPES, recipe, variants


@dataclass(frozen=True)
class Options:
    """Measure runs on the same tasks, in pairs, with a verdict in words. With --recipe the runs are trained first."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Folders of the runs; the first one's recipe gives the tasks. Runs of one recipe but for the seed are one row."""
    recipe: str | None = None
    """Train runs of this recipe in place of naming some; its settings are options, too (see `innerloop train`)."""
    methods: tuple[str, ...] = ()
    """Methods to train (with --recipe); none given: maml, prototypes and pretraining, as far as they apply."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds of each method (with --recipe)."""
    minutes: float | None = None
    """Training time of each, validation included; None: the steps of the recipe, or --steps (with --recipe)."""
    threads: int = 1
    """Threads of each training (with --recipe)."""
    shots: tuple[int, ...] = ()
    """Also measure every row at these numbers of support examples (per class), without training it again."""
    tasks: int | None = None
    """How many tasks; None: as the first run's recipe says."""
    baselines: bool = True
    """With the trivial and closed-form rows, training from scratch and, for a pretraining run, what is fitted to its
    features."""
    also_omniglot: bool = False
    """A second table on Omniglot's test characters (28x28 grey pictures only)."""
    out: str = "runs/comparison"
    """Folder for the rows, the page and the result as JSON; rows that are there are not computed again."""
    json: str | None = None
    """Another place for the result as JSON, for instance results/omniglot.json."""
    processes: int | None = None
    """Trainings and rows at a time, one thread for a row; None: as many as cores."""


def run(arguments: Sequence[str]) -> int:
    """Trains what is missing, computes the rows, prints the table and the verdict, writes the page."""
    options, settings = read(arguments)
    check(options)
    if options.recipe is None:
        compare(options)
        return 0
    from innerloop.cli._methods import plan, train_all
    from innerloop.workers import cores

    jobs = plan(options, settings)
    train_all(jobs, options.processes or max(1, cores() // options.threads))
    compare(options, folders=[str(job.folder) for job in jobs])
    return 0


def read(arguments: Sequence[str]) -> tuple[Options, dict[str, Any]]:
    """The options, and the settings of the recipe that were given among them.

    Raises:
        UsageError: for an unknown recipe or field, or a value that does not fit.
    """
    name = value_of("--recipe", arguments)
    if name is None:
        return parse(Options, arguments, "innerloop compare", str(Options.__doc__)), {}
    return read_with_recipe(Options, name, arguments, f"innerloop compare --recipe {name}")


def read_with_recipe(kind: type[Any], name: str, arguments: Sequence[str], program: str) -> tuple[Any, dict[str, Any]]:
    """Options of a command beside the fields of a recipe; and those of the fields that were given.

    Raises:
        UsageError: for an unknown recipe or field, or a value that does not fit.
    """
    if name not in RECIPES:
        raise UsageError(f"Unknown recipe {name!r}; there are {', '.join(RECIPES)}.{closest(name, list(RECIPES))}")
    given = named(arguments)
    for word in ("method", "seed"):
        if word in given:
            raise UsageError(f"--{word} is for one run; here it is --{word}s.")
    own = {field.name for field in dataclasses.fields(kind)}
    default = recipe(name, **{key: value for key in variants(name) if (value := value_of(f"--{key}", arguments))})
    hidden = [field for field in ("recipe", "method", "seed") if field not in own]
    both = joined(kind, type(default), hidden=hidden)
    values = {**vars(default), **vars(kind())}
    found = vars(parse(both, arguments, program, str(kind.__doc__), default=both(**values)))
    settings = {field: value for field, value in found.items() if field not in own and field in given}
    return kind(**{field: found[field] for field in own}), settings


def check(options: Options) -> None:
    """Refuses what can be refused without looking at any run."""
    if options.recipe is not None and options.runs:
        raise UsageError("Runs are named, or trained by a --recipe: give one of the two.")
    if options.recipe is None and not options.runs:
        raise UsageError(
            "Which runs? Name at least one folder, as in `innerloop compare runs/a runs/b`, or a --recipe to train."
        )
    for name in ("methods", "seeds", "minutes", "threads"):
        if options.recipe is None and getattr(options, name) != getattr(Options(), name):
            raise UsageError(f"--{name} is for runs that are trained here: it needs a --recipe.")
    numbers = {"tasks": options.tasks, "processes": options.processes, "threads": options.threads}
    for name, value in numbers.items():
        if value is not None:
            at_least(f"--{name}", value, 1)
    for value in options.shots:
        at_least("--shots", value, 1)


def compare(options: Options, command: str | None = None, folders: Sequence[str] = ()) -> Any:
    """Compares runs; returns the comparison on the first run's own tasks.

    Args:
        options: of the command.
        command: what is written down as the command; None: the one that was typed.
        folders: of the runs; none: those of the options.
    """
    from pathlib import Path

    from innerloop.cli._comparison import measured
    from innerloop.cli._comparison_page import write_comparison_page
    from innerloop.cli._opened import opened
    from innerloop.files import write_json
    from innerloop.workers import cores

    trained = opened(list(folders) or list(options.runs))
    found = measured(
        trained,
        Path(options.out),
        tasks=options.tasks,
        shots=options.shots,
        baselines=options.baselines,
        also_omniglot=options.also_omniglot,
        processes=options.processes or cores(),
    )
    out = Path(options.out)
    said = command or found.provenance["command"]
    write_comparison_page(out / "page.html", found, said)
    for path in [out / "comparison.json", *([Path(options.json)] if options.json else [])]:
        write_json(path, found.to_json(said))
    print(found.text())
    print(out / "page.html")
    return found.comparison
