"""The page of a run of robot control: what the arm does, and how often it gets there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from innerloop.cli._pages import headline, lead, seconds_of, table_of
from innerloop.cli._ranges import Places, compared, crossovers, range_of, said
from innerloop.cli._success import FILM
from innerloop.control import REPLAY_SOLVES
from innerloop.control._tasks import shared_arm
from innerloop.evaluation import Evaluation
from innerloop.evaluation import _words as words
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes.control import ControlRecipe
from innerloop.report import Film, Page, Range, Row

_FAMILIES = {
    "replay": "trivial", "nearest_step": "metric", "last_state": "memory", "joint": "transfer", "fine_tune": "transfer"
}  # fmt: skip
"""Families of the rivals, by the names of their files."""


def with_success(page: Page, run: Run, experiment: Experiment) -> Page:
    """The page with success in the simulator before all else; as it was if none was measured.

    Args:
        page: about the errors of the actions.
        run: the folder that `innerloop.cli._success.measure_success` wrote to.
        experiment: its learner and source.
    """
    results = run.results()
    if "success" not in results:
        return page
    recipe, family, seconds = experiment.recipe, experiment.learner.family, seconds_of(run)
    assert isinstance(recipe, ControlRecipe)
    own = Evaluation.from_json(results["success"])
    rows = [Row(own, family, seconds, highlight=True)]
    if "success.before" in results:
        rows.append(Row(Evaluation.from_json(results["success.before"]), family, seconds))
    rows += [_rival(results[f"success.{kind}"], kind) for kind in _FAMILIES if f"success.{kind}" in results]
    found = compared(rows)
    numbers = headline(own, found, seconds)
    numbers[1:1] = [(words.value(row.evaluation.mean, True), "success before adapting") for row in rows[1:2]
                    if "success.before" in results]  # fmt: skip
    return replace(
        page,
        lead=lead(own, found, run),
        headline=numbers,
        tables=[
            table_of("How often the goal is reached", own, rows, found),
            *(replace(table, title="How far its actions are from the demonstrated ones") for table in page.tables),
        ],
        films=_films(run, own, recipe.task),
        ranges=[*_over_steps(results, recipe, family), *_over_shots(results, recipe, rows)],
        own=own,
        notes=[*_remarks(results, experiment, run), *page.notes],
    )


def _rival(value: dict[str, Any], kind: str) -> Row:
    about, note = value["about"], ""
    if "rate" in about:
        note = f"Adam, {about['steps']} steps at {about['rate']:g}, chosen on {about['chosen_on']} validation goals"
    return Row(Evaluation.from_json(value), _FAMILIES[kind], about.get("trained_seconds"), note)


def _films(run: Run, own: Evaluation, task: str) -> list[Film]:
    path = run.folder / FILM
    if not path.exists():
        return []
    if own.steps is None:
        caption = f"{own.name} on the first test goal, not a chosen one, after {_shown(own.source['shots'])} of it."
    else:
        caption = (
            f"The first test goal, not a chosen one, from the same start: on the left {own.name} as it was trained, on "
            f"the right after {_shown(own.source['shots'])} of this goal and "
            f"{own.steps} inner step{'s' * (own.steps != 1)}."
        )
    if shared_arm(task, True).hides_its_goal:
        caption += " A coloured ball marks the goal for you; the policy is not shown it."
    return [Film("What it does", caption, path.read_bytes())]


def _over_steps(results: dict[str, Any], recipe: ControlRecipe, family: str) -> list[Range]:
    found = []
    for shots in sorted({recipe.shots, *recipe.over_shots}):
        name = f"success.steps.shots{shots}"
        if name not in results or f"{name}.fine_tune" not in results:
            continue
        sides = [
            (side, [Evaluation.from_json(point) for point in results[file]["points"]])
            for side, file in ((family, name), ("transfer", f"{name}.fine_tune"))
        ]
        own, tuned = (points[0] for _, points in sides)
        places = [(k, [Row(points[k], side) for side, points in sides]) for k in range(len(sides[0][1]))]
        caption = (
            f"{own.name}, trained with {_steps(recipe.inner_steps)}, beside the joint network fine-tuned by Adam at "
            f"{results[f'{name}.fine_tune']['about']['rate']:g}, the rate that was best on validation goals after "
            f"{_steps(len(places) - 1)}. The first {len(own.values)} test goals, one rollout each."
        )
        title = f"Meta-learning or fine-tuning? {_shown(shots).capitalize()}"
        verdicts = said(crossovers(places, "inner steps", tuned.name))
        levels = _level(results, recipe, shots)
        found.append(range_of(title, caption, "inner steps", places, verdicts, levels=levels))
    return found


def _level(results: dict[str, Any], recipe: ControlRecipe, shots: int) -> list[Row]:
    """Fine-tuning with as many steps as are best for it, on all test goals."""
    value = results.get("success.fine_tune" if shots == recipe.shots else f"success.shots{shots}.fine_tune")
    if value is None:
        return []
    evaluation = Evaluation.from_json(value)
    name = f"fine-tuned by {value['about']['steps']} steps at {value['about']['rate']:g}, all test goals"
    return [Row(replace(evaluation, name=name), "transfer")]


def _over_shots(results: dict[str, Any], recipe: ControlRecipe, rows: list[Row]) -> list[Range]:
    kinds = ("last_state", "fine_tune")
    places: Places = []
    for shots in sorted({recipe.shots, *recipe.over_shots}):
        name = "success" if shots == recipe.shots else f"success.shots{shots}"
        if name in results:
            here = [Row(Evaluation.from_json(results[name]), rows[0].family)]
            here += [_rival(results[f"{name}.{kind}"], kind) for kind in kinds if f"{name}.{kind}" in results]
            places = [*places, (shots, here)]
    if len(places) < 2:
        return []
    caption = (
        f"All of them were trained with {_shown(recipe.shots)} of a goal. Fine-tuning chooses its steps and rate anew "
        "for each number, on validation goals."
    )
    tuned = next((row.evaluation.name for row in places[0][1] if row.family == "transfer"), None)
    verdicts = said(crossovers(places, "demonstrations", tuned))
    return [range_of("How many demonstrations?", caption, "demonstrations", places, verdicts)]


def _remarks(results: dict[str, Any], experiment: Experiment, run: Run) -> list[str]:
    recipe = experiment.recipe
    assert isinstance(recipe, ControlRecipe)
    found = []
    if not (run.folder / FILM).exists():
        found.append(
            "There is no film, since nothing could be rendered where this run was measured. With a software renderer "
            "(on Debian: libegl1 and libgl1-mesa-dri) `innerloop report` makes it."
        )
    replayed = results.get("success.replay")
    if replayed is not None and replayed["mean"] > REPLAY_SOLVES:
        found.append(
            f"Replaying the demonstration without looking succeeds in {words.value(replayed['mean'], True)}: "
            f"{recipe.task} does not test adaptation."
        )
    if not shared_arm(recipe.task, True).hides_its_goal:
        found.append(
            f"The goal of {recipe.task} is where its object is, which the policy sees: there is little to adapt to."
        )
    return found


def _shown(count: int) -> str:
    return "one demonstration" if count == 1 else f"{count} demonstrations"


def _steps(count: int) -> str:
    return "one inner step" if count == 1 else f"{count} inner steps"
