"""`innerloop adapt RUN --support DIR`: a trained learner learns a user's own task."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from innerloop.cli._columns import columns
from innerloop.cli._parse import UsageError, parse

if TYPE_CHECKING:
    from innerloop.adapted import AdaptedModel
    from innerloop.cli._inputs import Found, Inputs


@dataclass(frozen=True)
class Options:
    """Learn new classes from a folder of pictures per class (or from rows of a table), and predict new ones."""

    run: Annotated[str | None, tyro.conf.Positional] = None
    """Folder of the run; not needed with --model."""
    support: str | None = None
    """What to learn from: a folder with one folder of pictures per class, a CSV file with the run's columns, or texts
    with their labels in a CSV or JSON file."""
    predict: tuple[str, ...] = ()
    """What to predict: pictures and folders of pictures, CSV files (the target column is not needed), or texts, one a
    line."""
    model: str | None = None
    """A saved adapted model to predict with; None: what --support gives, or RUN/adapted.safetensors."""
    out: str | None = None
    """File for the adapted model; None: RUN/adapted.safetensors."""
    json: bool = False
    """Print predictions as JSON lines, and everything else on stderr."""
    threads: int | None = None
    """Threads of a CPU."""


def run(arguments: Sequence[str]) -> int:
    """Adapts, saves, predicts."""
    options = parse(Options, arguments, "innerloop adapt", str(Options.__doc__))
    _check(options)
    from innerloop.cli._work import set_threads

    set_threads(options.threads)
    if options.support is None:
        model, inputs = _saved(options)
        found: Found | None = inputs.read(options.predict)
    else:
        # everything is read before anything is written: a bad picture leaves no model behind
        model, inputs, said, warning = _learned(options)
        found = inputs.read(options.predict) if options.predict else None
        path = options.out or f"{options.run}/adapted.safetensors"
        model.save(path)
        print(*said, path, sep="\n", file=sys.stderr if options.json else sys.stdout)
        if warning:
            print(f"warning: {warning}", file=sys.stderr)
    if found is not None:
        _show(inputs.predictions(model, found), options.json)
    return 0


def _check(options: Options) -> None:
    if options.model is not None and options.support is not None:
        raise UsageError("--model predicts with a saved model and --support makes a new one: give one of the two.")
    if options.support is not None and options.run is None:
        raise UsageError("Which run? Name its folder, as in `innerloop adapt runs/a --support my_photos`.")
    if options.support is None and options.run is None and options.model is None:
        raise UsageError("Nothing to do: name a run and --support, or --model and --predict.")
    if options.support is None and not options.predict:
        raise UsageError("Nothing to do: give --support with examples to learn from, or --predict, or both.")
    if options.support is None and options.out is not None:
        raise UsageError("--out is the file for a new adapted model: it needs --support.")


def _saved(options: Options) -> tuple[AdaptedModel, Inputs]:
    from pathlib import Path

    from innerloop.adapted import load
    from innerloop.cli._inputs_of import from_about
    from innerloop.errors import CheckpointError

    path = Path(options.model) if options.model is not None else Path(str(options.run)) / "adapted.safetensors"
    if not path.exists():
        raise CheckpointError(
            f"There is no adapted model {str(path)!r}: make it with `innerloop adapt RUN --support ...`."
        )
    model = load(path)
    return model, from_about(model.about, path)


def _learned(options: Options) -> tuple[AdaptedModel, Inputs, list[str], str]:
    from innerloop.adapted import adapted_model
    from innerloop.cli._inputs_of import of_run
    from innerloop.cli._work import open_learner

    run, recipe, learner = open_learner(str(options.run))
    inputs = of_run(run, recipe)
    x, y, counts, said = inputs.support(str(options.support))
    model = adapted_model(learner, x, y, inputs.classes or None, inputs.about)
    warning = ""
    if counts and max(counts.values()) > min(counts.values()):
        few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        warning = (
            f"the classes have unequal numbers of examples ({few!r} {counts[few]}, {many!r} {counts[many]}); "
            "training had equal ones, so predictions may lean towards the larger classes"
        )
    return model, inputs, [f"{learner.name}: {said}"], warning


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    cells = [[_cell(name, value) for name, value in row.items()] for row in rows]
    cells.insert(0, list(rows[0]))
    print("\n".join(columns(cells)))


def _cell(name: str, value: Any) -> str:
    if name == "confidence":
        return f"{100 * value:.1f} %"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
