"""From the folder of a run of reinforcement learning to its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.errors import CheckpointError
from innerloop.evaluation import interval
from innerloop.evaluation._words import counted
from innerloop.files import read_json
from innerloop.outer import Run
from innerloop.report import Earnings, Learning, Page, write_page
from innerloop.rl import Returns

NOTES = [
    "Intervals are 95 % over test tasks, for one training seed: another seed may move a row by more.",
    "One round of a gradient learner is a batch of episodes for each task; one of RL² is a single further episode in "
    "each of its trials. Compare by environment steps.",
]
TWO_TASKS = "There are two directions, which training has seen: nothing here says how it does on tasks that are new."


def write_policy_page(run: Run) -> Path:
    """Writes the page of a run from its folder.

    Raises:
        CheckpointError: if what it holds is damaged, or it was never measured.
    """
    results = {name: value for name, value in run.results().items() if name.startswith("test")}
    if "test" not in results:
        raise CheckpointError(f"{run.folder} has no results/test.json: go on with `innerloop train ... --resume`.")
    try:
        page = _page(run, {name: Returns.from_json(value) for name, value in results.items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{run.folder} is damaged: its files lack what a page needs ({error!r}).") from error
    write_page(run.page, page)
    return run.page


def chosen_rate(run: Run) -> float | None:
    """The inner rate that was chosen on validation tasks when the run was done; None where none was.

    Raises:
        CheckpointError: if the run's `fit.json` is damaged.
    """
    path = run.folder / "fit.json"
    found = read_json(path) if path.exists() else {}
    try:
        return float(found["inner_lr"]) if "inner_lr" in found else None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: it says no inner rate ({error!r}). Remove it.") from error


def _page(run: Run, found: dict[str, Returns]) -> Page:
    own, lines = found.pop("test"), run.metrics()
    name, rounds = str(own.source["name"]), len(own.curve) - 1
    headline = [(f"{own.curve[0].mean:.4g}", "return before adaptation")] if rounds else []
    headline.append((f"{own.curve[-1].mean:.4g}", f"return after {counted(rounds, 'rounds')}" if rounds else "return"))
    if own.regret is not None:
        headline.append((f"{own.regret[-1].mean:.4g}", "regret against whoever knows the task"))
    if own.success_curve is not None:
        headline.append((f"{100 * own.success_curve[-1].mean:.0f} %", "of episodes reach the goal then"))
    headline.append((f"{interval(own.still).mean:.4g}", "return of the trivial policy"))
    validations = [line for line in lines if "validation" in line]
    points = [(line["step"], line["seconds"], line["loss"]) for line in lines if "loss" in line]
    return Page(
        title=f"{own.name} on {name}",
        lead=f"{own.name} was trained for {_steps(lines):,} environment steps on {name}, and then met {_tasks(own)}.",
        headline=headline,
        earnings=Earnings(
            caption=f"{_tasks(own)}, the same for every row; {own.episodes} episodes of each in a round.",
            rows=[(each.name, [(m, h) for m, h in each.curve]) for each in (own, *found.values())],
            still=_pair(own.still),
            oracle=None if own.oracle is None else _pair(own.oracle),
            validations=[
                (line["environment_steps"], line["validation_before"], line["validation"], line["half"])
                for line in validations
            ],
            floor=validations[0]["still"] if validations else None,
        ),
        learning=[Learning(own.name, points)],
        facts=_facts(run),
        command=str(run.config()["provenance"]["command"]),
        notes=[
            *NOTES,
            *([TWO_TASKS] if name.endswith("DirTasks") else []),
            *_success((own, *found.values())),
            *_transfer(run),
        ],
    )


def _success(found: tuple[Returns, ...]) -> list[str]:
    """How often the goal is reached, where environments say it."""
    rows = []
    for each in found:
        if each.success_curve is not None:
            said = ", ".join(f"{100 * mean:.1f} ± {100 * half:.1f}" for mean, half in each.success_curve)
            rows.append(f"{each.name} {said}")
    return [f"Episodes that reach the goal, in per cent, after 0, 1, ... rounds: {'; '.join(rows)}."] if rows else []


def _transfer(run: Run) -> list[str]:
    """Where the row is that this page has not: what one would do without meta-learning."""
    recipe = run.config().get("recipe", {})
    if recipe.get("method") in (None, "pooled") or recipe["recipe"] == "bandits":
        return []
    return [
        "What one would do without meta-learning, pooled pretraining and then policy gradients, is a run of its own: "
        f"`innerloop train {recipe['recipe']} --method pooled`, with the other settings of this run, takes as many "
        "environment steps. Compare with that page before you say that meta-learning pays."
    ]


def _pair(values: Any) -> tuple[float, float]:
    mean, half = interval(values)
    return mean, half


def _tasks(own: Returns) -> str:
    return f"{own.values.shape[1]:,} {own.source['split']} tasks"


def _steps(lines: list[dict[str, Any]]) -> int:
    return max((int(line.get("environment_steps", 0)) for line in lines), default=0)


def _facts(run: Run) -> list[tuple[str, str]]:
    config = run.config()
    settings, origin = config["settings"], config["provenance"]
    learner, outer = settings["learner"], _pairs(settings["optimiser"])
    every, count = settings["validate_every"], settings["validation_tasks"]
    rate = chosen_rate(run)
    chosen = [("Inner rate", f"{rate:g}, which earned most after one round on validation tasks")] if rate else []
    versions = f"innerloop {origin['innerloop']} ({origin['git'] or 'no git'}), torch {origin['torch']}"
    return [
        ("Tasks", _pairs(settings["train"])),
        ("Learner", _pairs({**(learner["network"] or {}), **learner["arguments"]})),
        *chosen,
        ("Outer loop", f"{settings['steps']:,} steps of {settings['tasks_per_step']} tasks: {outer}"),
        ("Episodes", _pairs(settings["sampling"])),
        ("Validation", f"every {every} steps on {count} fixed tasks; the best weights are kept"),
        ("Seed", f"{settings['seed']} (one training seed)"),
        ("Versions", f"{versions}, Python {origin['python']}"),
    ]


def _pairs(values: dict[str, Any]) -> str:
    said = ((name, _pairs(value) if isinstance(value, dict) else value) for name, value in values.items())
    return ", ".join(f"{name} {value}" for name, value in said if value is not None)
