"""The tables of evidence/control.py: how often goals are reached after a few demonstrations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from _markdown import ROOT, about, load, markdown, number
from innerloop.control import REPLAY_SOLVES
from innerloop.evaluation import paired_difference
from innerloop.evaluation._words import counted, difference

MAIN = ("push", "reach")
"""The tasks that all methods are measured on."""
PICTURE = "docs/images/control_curves.png"
_COMMAND = "`python evidence/control.py --parts {}`"


def control(name: str) -> str:
    """A table for each of the main tasks; each learner's mean over its training seeds.

    Raises:
        ValueError: here and below, if rows of one table were measured in different ways, such as on 20 and on 50 goals.
    """
    rows = [row for row in load(name)["rows"] if row["cell"][1] in MAIN]
    return _tables(name, rows) if rows else f"Not measured yet: {_COMMAND.format('rows')} does it."


def replay(name: str) -> str:
    """What replay says about each task: whether it tests adaptation, or that it was not measured."""
    rows = load(name)["rows"]
    tasks = sorted({row["cell"][1] for row in rows})
    said = []
    for task in tasks:
        found = [row["success"][0] for row in rows if row["cell"][1] == task and row["method"] == "replay"]
        if not found:
            said.append(f"not measured yet on {task}")
            continue
        mean = float(np.mean(found))
        side, most = "more" if mean > REPLAY_SOLVES else "not more", f"{100 * REPLAY_SOLVES:.0f}"
        said.append(f"{100 * mean:.1f} % on {task}, {side} than the {most} of a task solved blindly")
    return f"Success of replay in `results/{name}.json`: {'; '.join(said)}." if said else "No row is there yet."


def more(name: str) -> str:
    """The same for other tasks, with what replay says about each of them."""
    rows = [row for row in load(name)["rows"] if row["cell"][1] not in MAIN]
    return _tables(name, rows) if rows else f"Not measured yet: {_COMMAND.format('more')} does it."


def curves(name: str) -> str:
    """Success over demonstrations and over inner steps, and the figure of both."""
    rows = load(name).get("curves", [])
    if not rows:
        return f"Not measured yet: {_COMMAND.format('curves')} does it."
    rows = sorted(rows, key=lambda row: (row["cell"][1], row["method"], row["cell"][2]))
    steps, demonstrated, goals, limit = _measured_as(rows)
    parts = [
        f"Success in per cent over {goals} unseen goals with one rollout of at most {limit} steps each; ± half of the "
        "95 % interval over goals, in brackets the standard deviation over training seeds. Trained with one "
        f"demonstration, {steps:,} outer steps on {demonstrated} goals. Steps of MAML, and steps and rates of "
        "fine-tuning, are chosen on validation goals for each number of demonstrations anew. Over inner steps the rate "
        "of fine-tuning is the best one at the last of them, where alone the two are compared."
    ]
    if (ROOT / PICTURE).exists():
        parts.append(f"![Success over demonstrations and over inner steps]({PICTURE.removeprefix('docs/')})")
    for task, of_task in groupby(rows, lambda row: row["cell"][1]):
        here = list(of_task)
        parts += [
            _rivalry(f"On {task}", here, lambda row: row["values"]),
            f"**{task}, over demonstrations**",
            _over(here, lambda row: row["over_shots"], "{} shown"),
        ]
        for shots in sorted({int(count) for row in here for count in row["over_steps"]}):
            stepping = [row for row in here if str(shots) in row["over_steps"]]

            def points(row: dict[str, Any], count: str = str(shots)) -> dict[str, Any]:
                return {str(k): point for k, point in enumerate(row["over_steps"][count]) if k in _STEPS}

            def values(row: dict[str, Any], count: str = str(shots)) -> dict[str, Any]:
                found = row["values_over_steps"][count]
                return {str(len(found) - 1): found[-1]}

            parts += [
                f"**{task}, over inner steps on {counted(shots, 'demonstrations')}**",
                _over(stepping, points, "{} steps"),
                _rivalry(f"After K inner steps on {counted(shots, 'demonstrations')}", stepping, values),
            ]
    return "\n\n".join([*filter(None, parts), _origin(name, rows)])


def _rivalry(where: str, rows: list[dict[str, Any]], values: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """MAML beside fine-tuning at each place, in pairs of one seed and goal."""
    sides = [
        {row["cell"][2]: values(row) for row in rows if row["method"] == method}
        for method in ("maml", "joint_fine_tuned")
    ]
    said = []
    both = sorted(sides[0].keys() & sides[1].keys())
    for place in sides[0][both[0]] if both else ():
        ours, theirs = (np.concatenate([side[seed][place] for seed in both]) for side in sides)
        said.append(f"K = {place}: {_ahead(ours, theirs, 'fine-tuning')}")
    return f"{where}, MAML against fine-tuning (paired 95 % intervals): {'; '.join(said)}." if said else ""


_STEPS = (0, 1, 2, 3, 5, 10)
"""Those of the table; the figure has all."""


def _over(rows: list[dict[str, Any]], points: Any, head: str) -> str:
    """A line for each method, a column for each place."""
    lines = [["learner", *(head.format(place) for place in points(rows[0])), "seeds"]]
    for _, group in groupby(rows, lambda row: row["method"]):
        of = list(group)
        cells = [_over_seeds([{"point": points(row)[place]} for row in of], "point") for place in points(of[0])]
        lines.append([of[0]["name"], *cells, str(len(of))])
    return markdown(lines)


def _tables(name: str, rows: list[dict[str, Any]]) -> str:
    rows = sorted(rows, key=lambda row: (row["cell"][1], row["method"], row["cell"][2]))
    steps, demonstrated, goals, rollouts, shots, limit = _measured_as(rows)
    parts = [
        f"Success in per cent over {goals} unseen goals with {rollouts} rollouts of at most {limit} steps each, after "
        f"{counted(shots[0], 'demonstrations')}; ± half of the 95 % interval over goals, in brackets the standard "
        f"deviation over training seeds. {steps:,} outer steps on {demonstrated} goals. Training includes choosing "
        "steps and rates."
    ]
    every = {row["method"]: row["name"] for row in sorted(rows, key=lambda row: row["name"])}
    for task, group_of_task in groupby(rows, lambda row: row["cell"][1]):
        of_task, body = list(group_of_task), []
        for _, group in groupby(of_task, lambda row: row["method"]):
            of = list(group)
            means = [row["success"][0] for row in of]
            training = np.mean([row["seconds"]["training"] for row in of])
            cells = [_over_seeds(of, "success"), _over_seeds(of, "not_adapted"), str(len(of)), f"{training:.0f}"]
            body.append((np.mean(means), [_name(*of), of[0]["family"], *cells]))
        ordered = [line for _, line in sorted(body, key=lambda pair: -pair[0])]
        head = ["learner", "family", "success, %", "before adapting, %", "seeds", "training, s"]
        parts += [
            f"**{task}**",
            markdown([head, *ordered]),
            *_pairs(of_task),
            *_cost(of_task),
            *_remarks(task, of_task),
            *_missing(task, of_task, every),
        ]
    return "\n\n".join([*parts, _origin(name, rows)])


def _measured_as(rows: list[dict[str, Any]]) -> list[Any]:
    """What cells have beside method, task and seed, and what is the same in all of them."""
    found: list[Any] = rows[0]["cell"][3:]
    for row in rows:
        if row["cell"][3:] != found:
            raise ValueError(
                f"The rows {rows[0]['cell']} and {row['cell']} cannot stand in one table. Delete one kind."
            )
    return found


def _pairs(rows: list[dict[str, Any]]) -> list[str]:
    """MAML against who is told the goal otherwise, and against fine-tuning, in pairs of one seed and goal."""
    of = {(row["method"], row["cell"][2]): row for row in rows}
    said = []
    for rival in ("last_state", "joint_fine_tuned"):
        both = [seed for method, seed in of if method == "maml" and (rival, seed) in of]
        if not both:
            continue
        ours, theirs = (np.concatenate([of[method, seed]["values"] for seed in both]) for method in ("maml", rival))
        name = of[rival, both[0]]["name"]
        said.append(f"against {name}: {_ahead(ours, theirs, name)}")
    return [f"MAML in pairs of one seed and goal (95 % intervals), {'; '.join(said)}."] if said else []


def _ahead(ours: Any, theirs: Any, rival: str) -> str:
    """Who is ahead in pairs, MAML or a rival, and by how much."""
    found = paired_difference(ours, theirs)
    if not found.seen:
        return "no difference"
    size, between = difference(found, True, 1 if found.mean >= 0 else -1)
    return f"{'MAML' if found.mean >= 0 else rival} ahead by {size}, {between}"


def _cost(rows: list[dict[str, Any]]) -> list[str]:
    """What a seed of MAML took, demonstrations included, where it was measured."""
    said = []
    for row in rows:
        if row["method"] == "maml" and "cpu_seconds" in row:
            wall, used = (sum(row[key].values()) / 60 for key in ("seconds", "cpu_seconds"))
            collected = row["cpu_seconds"]["demonstrations"] / 60
            said.append(
                f"{used:.1f} minutes of CPU time ({collected:.1f} for the demonstrations), {wall:.1f} of wall time"
            )
    return [f"Demonstrations, training and evaluation of MAML took, seed by seed: {'; '.join(said)}."] if said else []


def _remarks(task: str, rows: list[dict[str, Any]]) -> list[str]:
    """Where a task does not test adaptation."""
    said = []
    replayed = [row["success"][0] for row in rows if row["method"] == "replay"]
    if replayed and (mean := float(np.mean(replayed))) > REPLAY_SOLVES:
        said.append(
            f"Replaying the demonstration without looking succeeds in {100 * mean:.1f} %, more than "
            f"{100 * REPLAY_SOLVES:.0f}: {task} does not test adaptation."
        )
    if any(row.get("hides_its_goal") is False for row in rows):
        said.append(f"The goal of {task} is where its object is, which the policy sees: there is little to adapt to.")
    return said


def _missing(task: str, rows: list[dict[str, Any]], every: dict[str, str]) -> list[str]:
    """The methods that other tasks of the part have rows of, and this one has none of."""
    there = {row["method"] for row in rows}
    missing = dict.fromkeys(_name({"method": method, "name": name, "chosen": None}) for method, name in every.items()
                            if method not in there)  # fmt: skip
    return [f"Not measured yet on {task}: {'; '.join(missing)}."] if missing else []


def _origin(name: str, rows: list[dict[str, Any]]) -> str:
    first = rows[0]
    versions = ", ".join(f"{package} {first['about'][package]}" for package in ("metaworld", "mujoco", "gymnasium"))
    about_ = about(first["provenance"], len({row["cell"][2] for row in rows}), versions)
    return f"From `results/{name}.json`: at most {about_}"


def _name(*rows: dict[str, Any]) -> str:
    """A method, with what was chosen for it in its rows, one of each seed."""
    first = rows[0]
    same = {"joint_one_step": "Joint network, one step as MAML takes it"}.get(first["method"], first["name"])
    choices = dict.fromkeys(
        f"{chosen['inner_steps']} steps at {chosen['inner_lr']:g}" for row in rows if (chosen := row["chosen"])
    )
    return f"{same} (chosen on validation goals, over the seeds: {', '.join(choices)})" if choices else same


def _over_seeds(rows: list[dict[str, Any]], key: str) -> str:
    if any(row[key] is None for row in rows):
        return "-"
    means, halves = ([row[key][i] for row in rows] for i in (0, 1))
    spread = f" ({100 * np.std(means, ddof=1):.1f})" if len(means) > 1 else ""
    return number(float(np.mean(means)), float(np.mean(halves))) + spread
