"""Tables of meta-reinforcement learning: returns after each round of adaptation, beside who learns nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from _markdown import ROOT, about, load, markdown, number
from _returns_said import NAMES, Rows, adapting, crossing, mean_of, methods, remembering
from innerloop.evaluation._statistics import interval

_BANDITS = {"bandits": 10, "bandits 100": 100}
PICTURE = "docs/images/rl_cheetah.png"


def returns(name: str) -> str:
    """What each method earns, a table for each family of environments."""
    found = load(name)
    by_family: dict[str, Rows] = {}
    for row in found["rows"]:
        by_family.setdefault(row["cell"][0], []).append(row)
    parts = []
    if goals := by_family.get("navigation"):
        parts.append(
            f"Navigation, {_tasks(goals)} fixed test goals, {goals[0]['returns']['episodes']} episodes a round. The "
            "rate of the inner step was chosen for every row on validation goals, for the return after one round:"
        )
        parts += [*_adapting(goals, ("standing still", "the goal known")), adapting("navigation", goals)]
    for family, pulls in _BANDITS.items():
        if rows := by_family.get(family):
            parts.append(f"Bandits of 5 arms, {pulls} pulls, {_tasks(rows)} fixed test bandits:")
            parts += [_bandits(rows), remembering(f"bandits with {pulls} pulls", rows)]
    if speeds := by_family.get("cheetah"):
        parts.append(
            f"Half cheetah with a hidden speed, {_tasks(speeds)} fixed test speeds, "
            f"{speeds[0]['returns']['episodes']} episodes a round; rates as above:"
        )
        parts += [*_adapting(speeds, ("standing still", "")), adapting("the half cheetah", speeds)]
        parts += [*_course(speeds), crossing(speeds)]
        if (ROOT / PICTURE).exists():
            parts.append(f"![Returns over environment steps]({PICTURE.removeprefix('docs/')})")
    return "\n\n".join([*filter(None, parts), *(_origin(name, rows) for rows in by_family.values())])


def attempts(name: str) -> str:
    """Trainings with other outer rates, one line each."""
    rows = load(name)["rows"]
    rounds = len(rows[0]["returns"]["curve"]) - 1
    lines = [
        ["method", "outer rate", "before", "after 1 round", *(f"after {k}" for k in range(2, rounds + 1)), *_SPENT]
    ]
    for row in rows:
        each = (number(*interval(np.array(values)), accuracy=False) for values in row["returns"]["values"])
        method = row["cell"][1]
        lines.append([NAMES.get(method, method), f"{row['settings']['rate']:g}", *each, *_spent([row])])
    return "\n\n".join([markdown(lines), _origin(name, rows)])


def kills(name: str) -> str:
    """The kill test in a sentence."""
    found = load(name)
    events = found["events"]
    main = [event for event in events if event["victim"] == "main"]
    said = "equal to the bit" if found["equal"] else f"different in {', '.join(found['different'])}"
    early = sum(event.get("during") == "start" for event in main)
    began = f", {early} of them within four seconds of its start" if early else ""
    left, seconds = sum(event["orphans"] for event in main), found.get("orphan_seconds", 10)
    orphans = "no worker was" if not left else f"{left} worker{' was' if left == 1 else 's were'}"
    return (
        f"`kill -9` at {len(events)} random moments of a training of {found['iterations']:,} iterations with "
        f"{found['workers']} worker processes: {len(main)} times of the main process, which was started again with "
        f"`--resume`{began}, and {len(events) - len(main)} times of a worker. Afterwards weights, log and test "
        f"returns are {said} to those of the undisturbed run. {seconds:.0f} seconds after the main process was killed, "
        f"{orphans} still there in all these times together. From `results/{name}.json`."
    )


def _adapting(rows: Rows, ends: tuple[str, str]) -> list[str]:
    """Returns before and after each round, and seed by seed where there are several."""
    rounds = len(rows[0]["returns"]["curve"]) - 1
    lines = [["method", "before", "after 1 round", *(f"after {k}" for k in range(2, rounds + 1)), *_SPENT]]
    for method, own in methods(rows):
        each = (number(*interval(values), accuracy=False) for values in mean_of(own, "values"))
        lines.append([NAMES.get(method, method), *each, *_spent(own)])
    for end, key in zip(ends, ("still", "oracle"), strict=True):
        if rows[0]["returns"][key] is not None:
            level = number(*interval(np.array(rows[0]["returns"][key])), accuracy=False)
            lines.append([end, level, *["" for _ in range(rounds)], *("-" for _ in _SPENT)])
    said = []
    for method, own in methods(rows):
        each = [f"{row['returns']['curve'][1][0]:.3g}{_took(row)}" for row in own]
        said += [f"{NAMES.get(method, method)} {', '.join(each)}"] if len(own) > 1 else []
    return [
        markdown(lines), *([f"After one round, seed by seed: {'; '.join(said)}."] if said else []), *_at_the_edge(rows),
    ]  # fmt: skip


def _took(row: dict[str, Any]) -> str:
    """What its training took, where it was measured."""
    return f" (trained in {row['cpu_seconds']:.0f} s of CPU time)" if "cpu_seconds" in row else ""


def _at_the_edge(rows: Rows) -> list[str]:
    """The rows whose inner rate is the smallest or the largest that was tried: another might be better."""
    said = [
        f"{NAMES.get(row['cell'][1], row['cell'][1])} {row['inner_lr']:g} (seed {row['cell'][2]})"
        for row in rows
        if (tried := row.get("settings", {}).get("inner_rates")) and row["inner_lr"] in (min(tried), max(tried))
    ]
    return [f"At an edge of the inner rates that were tried: {', '.join(said)}."] if said else []


def _bandits(rows: Rows) -> str:
    """Returns and regrets: what whoever knows the bandit would have earned more."""
    lines = [["method", "return", "regret", "of Thompson sampling's", *_SPENT]]
    regrets = {method: mean_of(own, "oracle") - mean_of(own, "values")[-1] for method, own in methods(rows)}
    yardstick = float(regrets["Thompson"].mean()) if "Thompson" in regrets else None
    for method, own in methods(rows):
        earned, lost = mean_of(own, "values")[-1], regrets[method]
        part = "-" if yardstick is None else f"{lost.mean() / yardstick:.2f}"
        pair = [number(*interval(each), accuracy=False) for each in (earned, lost)]
        lines.append([NAMES.get(method, method), *pair, part, *_spent(own)])
    ends = {key: np.array(rows[0]["returns"][key]) for key in ("still", "oracle")}
    for end, key in (("any arm, exactly", "still"), ("the best arm known", "oracle")):
        pair = [number(*interval(each), accuracy=False) for each in (ends[key], ends["oracle"] - ends[key])]
        lines.append([end, *pair, "-", *("-" for _ in _SPENT)])
    return markdown(lines)


def _course(rows: Rows) -> list[str]:
    """Returns on validation tasks after one round, over environment steps."""
    trained = [(method, own[0]) for method, own in methods(rows) if own[0].get("course")]
    if not trained:
        return []
    parts = (0.1, 0.25, 0.5, 0.75, 1.0)
    lines = [["method", *(f"at {part:.0%} of its steps" for part in parts)]]
    for method, row in trained:
        course = row["course"]
        cells = []
        for part in parts:
            steps, _, mean, half = course[max(0, round(part * len(course)) - 1)]
            cells.append(f"{number(mean, half, accuracy=False)} ({steps / 1e6:.1f} million)")
        lines.append([NAMES.get(method, method), *cells])
    said = (
        "After one round on validation speeds, over environment steps, first seed. Pooled pretraining is judged at the "
        "best inner rates, each half of these speeds at the one chosen on the other half; the others at the rate that "
        "they are trained with."
    )
    return [said, markdown(lines)]


def _origin(name: str, rows: Rows) -> str:
    """Where the numbers of a family come from."""
    family, seeds = rows[0]["cell"][0], {row["cell"][2] for row in rows}
    versions = ", ".join(f"{key} {value}" for key, value in rows[0]["returns"]["source"].get("versions", {}).items())
    workers = [f"{rows[0]['workers']} worker processes"] if "workers" in rows[0] else []
    said = about(rows[0]["provenance"], len(seeds), *workers, *([versions] if versions else []))
    return f"{family.capitalize()}, from `results/{name}.json`: {said}"


def _tasks(rows: Rows) -> str:
    return f"{len(rows[0]['returns']['still']):,}"


_SPENT = ("environment steps", "training, s", "CPU, s")


def _spent(own: Rows) -> list[str]:
    steps = np.mean([row.get("environment_steps", 0) for row in own])
    measured = [[row[key] for row in own if key in row] for key in ("seconds", "cpu_seconds")]
    said = [f"{np.mean(each):.0f}" if each else "-" for each in measured]
    return [f"{steps / 1e6:.2f} million" if steps else "-", *said]
