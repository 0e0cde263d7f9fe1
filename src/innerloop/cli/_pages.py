"""From run folders to pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.catalogue import family_of
from innerloop.cli._explained import explained
from innerloop.cli._rivals import RIVALS
from innerloop.errors import CheckpointError
from innerloop.evaluation import Comparison, Evaluation, comparison, evaluating
from innerloop.evaluation import _words as words
from innerloop.files import read_json
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.recipes.control import ControlRecipe
from innerloop.recipes.curves import CurvesRecipe
from innerloop.recipes.sinusoids import SinusoidsRecipe
from innerloop.report import Learning, Page, Row, Table, write_page
from innerloop.report._views import fits, notable, task_views

_SUPPORT = " (support statistics)"

NOTES = {
    "batch": "Rows marked transductive normalise the query pictures with the statistics of the query batch itself, as "
    "the published MAML numbers do: a prediction then depends on the other queries. The row with support "
    "statistics is what one gets in use, one picture at a time.",
    "tasks": "Intervals are 95 % over test tasks, for one training seed: another seed may move a row by more.",
}


def write_run_page(run: Run, experiment: Experiment) -> Path:
    """Writes the page of one run from its folder."""
    results = run.results()
    own = Evaluation.from_json(results["test"])
    seconds = seconds_of(run)
    rows = [Row(own, experiment.learner.family, seconds, highlight=True)]
    if "test.support" in results:
        rows.append(Row(_named(results["test.support"], own.name + _SUPPORT), experiment.learner.family, seconds))
    for kind in RIVALS:
        if f"test.{kind}" in results:
            rows.append(Row(Evaluation.from_json(results[f"test.{kind}"]), family_of(kind), 0.0))
    found = comparison({row.evaluation.name: row.evaluation for row in rows})
    page = Page(
        title=f"{own.name} on {own.source['name']}",
        lead=lead(own, found, run),
        headline=headline(own, found, seconds),
        tables=[table_of("On test tasks", own, rows, found)],
        learning=[Learning.from_metrics(own.name, run.metrics())],
        curves={own.name: own} if own.curve else {},
        own=own,
        facts=facts(run, own),
        command=_command(run),
        notes=[NOTES["batch"], NOTES["tasks"]] if own.norm == "batch" else [NOTES["tasks"]],
        **views(experiment, own),
        **explained(run, experiment),
    )
    if isinstance(experiment.recipe, ControlRecipe):
        from innerloop.cli._success_page import with_success  # stands on this file

        page = with_success(page, run, experiment)
    write_page(run.page, page)
    return run.page


def facts(run: Run, own: Evaluation) -> list[tuple[str, str]]:
    """Settings of a run, for a person to read."""
    config = run.config()
    settings, origin = config["settings"], config["provenance"]
    recipe = config.get("recipe", {})
    learner = settings["learner"]
    found: list[tuple[str, Any]] = [("Tasks", shape(own.source))]
    if isinstance(learner, dict):
        network = dict(learner["network"] or {})
        found.append(("Network", f"{network.pop('network', '')}: " + _pairs(network)))
        found.append(("Learner", _pairs(learner["arguments"])))
    if recipe.get("start"):
        found.append(("Start", f"the pretrained features of {recipe['start']}"))
    optimiser, mapping = settings["optimiser"], run.mapping()
    rate = f"{optimiser['name']} at {recipe.get('lr', optimiser.get('lr'))}"
    decay = f"weight decay {optimiser['weight_decay']}, " if optimiser.get("weight_decay") else ""
    course = f"{recipe.get('schedule', 'constant')} schedule"
    every = f"every {settings['validate_every']} steps on {settings['validation_tasks']} fixed {own.units}"
    if settings["norm"] != "none":
        found.append(("Norm", f"{settings['norm']} (query examples)"))
    found += [
        (
            "Outer loop",
            f"{settings['steps']:,} steps of {settings['tasks_per_step']} tasks, {rate}, {decay}{course}, "
            f"gradients clipped at {settings['clip']}",
        ),
        ("Validation", f"{every}; the best weights are kept"),
        ("Mapping", f"{mapping} ({mapping.reason})"),
        ("Seed", f"{settings['seed']} (one training seed)"),
        ("Device", f"{own.about.get('device')}, {words.counted(mapping.threads or origin['threads'], 'threads')}"),
        (
            "Versions",
            f"innerloop {origin['innerloop']} ({origin['git'] or 'no git'}), torch {origin['torch']}, "
            f"Python {origin['python']}",
        ),
    ]
    return [(name, str(value)) for name, value in found]


def views(experiment: Experiment, own: Evaluation) -> dict[str, Any]:
    """Some test tasks with their predictions, as fields of a page."""
    test, learner = experiment.source.test, experiment.learner
    with evaluating(learner):
        if isinstance(experiment.recipe, PictureRecipe):
            return {"tasks": task_views(learner, test, notable(own))}
        if isinstance(experiment.recipe, SinusoidsRecipe):
            many = test.with_(queries=100)
            return {"fits": fits(learner, many, notable(own))}
        if isinstance(experiment.recipe, CurvesRecipe):
            many = test.with_(queries=100, points=None)
            return {"fits": fits(learner, many, notable(own))}
    return {}


def table_of(title: str, own: Evaluation, rows: list[Row], found: Comparison, caption: str = "") -> Table:
    """The table of a page."""
    return Table(
        title=title,
        caption=f"{len(own.values):,} {shape(own.source)}, the same for every row. {caption}".strip(),
        rows=rows,
        verdicts=_verdicts(rows, found),
        chance=1 / own.source["ways"] if own.higher_is_better and own.source.get("ways") else None,
    )


def _verdicts(rows: list[Row], found: Comparison) -> list[str]:
    """The comparisons that a reader asks for: the runner-up, the run itself, meta-learned against not; no more."""
    names = list(found.rows)
    pairs = [(names[0], name) for name in names[1:2]]
    pairs += [(names[0], row.evaluation.name) for row in rows if row.highlight]
    plain = {row.evaluation.name for row in rows if row.family in ("transfer", "trivial", "oracle")}
    learned, simple = ([name for name in names if (name in plain) == which] for which in (False, True))
    if learned and simple:
        pairs.append((learned[0], simple[0]))
    asked = dict.fromkeys(frozenset(pair) for pair in pairs)  # the runner-up may be the run itself
    return [found.verdict(*sorted(pair, key=names.index)) for pair in asked if len(pair) == 2]


def headline(own: Evaluation, found: Comparison, seconds: float | None) -> list[tuple[str, str]]:
    """The big numbers of a page."""
    mean, half = own.interval
    band = words.half(half, own.higher_is_better)
    band = f" ({band}, 95 % interval over {own.units})" if band else ""
    numbers = [(words.value(mean, own.higher_is_better, 3), f"{own.metric} of {own.name}{band}")]
    if found.best != own.name:
        best = found.rows[found.best]
        numbers.append(
            (words.value(best.mean, best.higher_is_better, 3), f"{best.metric} of the best row: {found.best}")
        )
    if seconds is not None:
        numbers.append((f"{seconds:.0f} s", f"training time of {own.name}, validation included"))
    return numbers


def lead(own: Evaluation, found: Comparison, run: Run) -> str:
    """A sentence or two about a run."""
    settings, steps = run.config()["settings"], f"{run.config()['settings']['steps']:,} outer steps"
    steps = steps if seconds_of(run) is not None else f"up to {steps}"  # it may have been stopped
    said = (
        f"{own.name} was trained for {steps} on {settings['train']['name']} and then met "
        f"{len(own.values):,} tasks that it had never seen. "
    )
    rest = [name for name in found.rows if not name.startswith(found.best)]
    if not rest:
        return said
    return said + f"Best on these tasks: {found.best}; {found.verdict(found.best, rest[0])}."


def shape(source: dict[str, Any]) -> str:
    """What the tasks of a source are, in words."""
    if source.get("ways"):
        shots = f"{source['ways']}-way {source['shots']}-shot tasks with {source['queries']} queries per class"
        return f"{source['split']} tasks of {source['name']}: {shots}"
    if "rollouts" in source:
        shots, count = source["shots"], source["rollouts"]
        return (
            f"{source['split']} goals of {source['name']}, {shots} demonstration{'s' * (shots > 1)} and {count} "
            f"rollout{'s' * (count > 1)} of at most {source['limit_of_rollouts']} steps each"
        )
    if "demonstrations" in source:
        return (
            f"{source['split']} goals of {source['name']}: {source['shots']} support and {source['queries']} query "
            "demonstrations"
        )
    return (
        f"{source['split']} tasks of {source['name']}: {source['shots']} support and {source['queries']} query examples"
    )


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _named(value: dict[str, Any], name: str) -> Evaluation:
    return Evaluation.from_json({**value, "name": name})


def seconds_of(run: Run) -> float | None:
    """How long a run was trained; None if that is not known, as where it was stopped.

    Raises:
        CheckpointError: if the run's `fit.json` is damaged.
    """
    path = run.folder / "fit.json"
    if not path.exists():
        return None
    try:
        return float(read_json(path)["seconds"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(f"{path} is damaged: it says no training time ({error!r}). Remove it.") from error


def _command(run: Run) -> str:
    return str(run.config()["provenance"]["command"])
