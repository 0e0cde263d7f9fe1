"""`innerloop compare RUN RUN ...`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from innerloop.cli._parse import UsageError, parse


@dataclass(frozen=True)
class Options:
    """Measure runs on the same tasks, in pairs, with a verdict in words."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders of the runs; the first one's recipe gives the tasks."""
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
    """Rows computed at a time, one thread each; None: as many as cores."""


def run(arguments: Sequence[str]) -> int:
    """Computes the rows, prints the table and the verdict, writes the page."""
    options = parse(Options, arguments, "innerloop compare", str(Options.__doc__))
    if not options.runs:
        raise UsageError("Which runs? Name at least one folder, as in `innerloop compare runs/a runs/b`.")
    compare(options)
    return 0


def compare(options: Options, command: str | None = None) -> Any:
    """Compares runs; returns the comparison on the first run's own tasks."""
    from innerloop.cli._pages import write_comparison_page
    from innerloop.cli._rows import compute_rows, default_processes, row_specs
    from innerloop.cli._work import open_run
    from innerloop.errors import ConfigurationError
    from innerloop.files import write_json
    from innerloop.outer._run import provenance
    from innerloop.recipes._recipe import ClassRecipe, TableRecipe

    opened = [open_run(folder) for folder in options.runs]
    runs, experiments = [run for run, _ in opened], [experiment for _, experiment in opened]
    first = experiments[0]
    for folder, experiment in zip(options.runs, experiments, strict=True):
        if experiment.source.test.describe() != first.source.test.describe():
            raise ConfigurationError(
                f"{folder} and {options.runs[0]} have other test tasks: {experiment.source.test.describe()} against "
                f"{first.source.test.describe()}. Compare runs of one recipe and shape."
            )
    names = Counter(run.folder.name for run in runs)
    if max(names.values()) > 1:
        raise ConfigurationError(f"Two runs have the folder name {names.most_common(1)[0][0]!r}; rename one of them.")
    out, tasks = Path(options.out), options.tasks or first.recipe.test_tasks
    classes, table = (isinstance(first.recipe, kind) for kind in (ClassRecipe, TableRecipe))
    methods = [experiment.recipe.method for experiment in experiments]
    norms = [experiment.learner.norm for experiment in experiments]
    tables, result = [], {}
    titles = {"test": "On test tasks", "omniglot": "On real handwriting, never seen"}
    for on in ["test", *(["omniglot"] if options.also_omniglot else [])]:
        curve = first.recipe.curve_steps if on == "test" else 0
        specs = row_specs(
            [run.folder for run in runs],
            methods,
            norms,
            tasks,
            on,
            curve,
            baselines=options.baselines,
            classes=classes,
            table=table,
        )
        compute_rows(specs, out, options.processes or default_processes())
        rows = read_rows(specs, out)
        caption = (
            "The learners of the first table, as they are: nothing was trained on handwriting." if on != "test" else ""
        )
        tables.append((titles[on], caption, rows))
        result[on] = [
            {**row.evaluation.to_json(), "family": row.family, "trained_seconds": row.trained_seconds, "note": row.note}
            for row in rows
        ]
    about = provenance()
    title = f"{first.source.test.describe()['name'].capitalize()}: which way of learning a task?"
    said = command or about["command"]
    found = write_comparison_page(out / "page.html", title, tables, runs, first, said)
    seeds = {run.folder.name: experiment.recipe.seed for run, experiment in opened}
    content = {
        "command": said,
        "provenance": about,
        "training_seeds": seeds,
        "recipes": {run.folder.name: experiment.recipe.to_json() for run, experiment in opened},
        "best": found.best,
        "verdicts": [found.verdict(found.best, name) for name in found.rows if name != found.best],
        "tables": result,
    }
    for path in [out / "comparison.json", *([Path(options.json)] if options.json else [])]:
        write_json(path, content)
    print(found)
    print(out / "page.html")
    return found


def read_rows(specs: Sequence[Any], folder: Path) -> list[Any]:
    """The computed rows, each with a name of its own; the first run's is marked."""
    from innerloop.cli._rows import load_row
    from innerloop.evaluation import Evaluation
    from innerloop.report import Row

    found = [load_row(spec, folder) for spec in specs]
    count = Counter((entry["evaluation"]["name"], spec.norm) for entry, spec in zip(found, specs, strict=True))
    rows = []
    for entry, spec in zip(found, specs, strict=True):
        name = entry["evaluation"]["name"]
        if count[(name, spec.norm)] > 1:
            name = f"{name}, {Path(spec.run).name}"
        if spec.norm == "support":
            name += " (support statistics)"
        evaluation = Evaluation.from_json({**entry["evaluation"], "name": name})
        rows.append(Row(evaluation, entry["family"], entry["seconds"], entry["note"], highlight=spec is specs[0]))
    return rows
