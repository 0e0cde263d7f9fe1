"""Tables of what was learned: comparisons, and the grids of evidence/."""

from __future__ import annotations

from typing import Any

from _markdown import about, load, markdown, number

NORMS = {"batch": "query batch (transductive)", "support": "support set", "running": "running averages", "none": "-"}
_TITLES = {"test": "Test scripts, never seen in training:", "omniglot": "Real handwriting, never seen in training:"}


def evaluations(rows: list[dict[str, Any]], costs: bool = True) -> str:
    """A table of evaluations on the same tasks, best first; with what they cost where that was measured."""
    accuracy = rows[0]["metric"] == "accuracy"
    rows = sorted(rows, key=lambda row: row["mean"], reverse=accuracy)
    seconds = any(row.get("trained_seconds") for row in rows)
    several = any(row.get("spread") is not None for row in rows)
    costs = costs and any(row.get("spent") for row in rows)
    head = ["learner", "accuracy, %" if accuracy else "squared error"]
    head += [*(["sd over seeds"] if several else []), "query normalised with"]
    head += [*(["training, s"] if seconds else []), *(_COSTS if costs else [])]
    lines = [head]
    for row in rows:
        name = row["name"] + (f" ({row['note']})" if row.get("note") else "")
        line = [name, number(row["mean"], row["half"], accuracy)]
        if several:
            line.append(_spread(row.get("spread"), accuracy))
        line.append(NORMS[row["norm"]])
        if seconds:
            line.append(f"{row['trained_seconds']:.0f}" if row.get("trained_seconds") else "-")
        lines.append([*line, *(_costs(row.get("spent") or {}) if costs else [])])
    return markdown(lines)


_COSTS = ["outer steps", "adapting, ms a task", "its memory, MB", "left by a task"]


def _costs(spent: dict[str, Any]) -> list[str]:
    """Cells of what a row cost."""
    names = ("train_steps", "adapt_seconds", "adapt_bytes", "adapted")
    steps, seconds, size, left = (spent.get(name) for name in names)
    return [
        "-" if steps is None else f"{steps:,.0f}",
        "-" if seconds is None else f"{1000 * seconds:.2g}",
        "-" if size is None else f"{size / 1e6:.2g}",
        "-" if left is None else f"{left:,}",
    ]


def _spread(spread: float | None, accuracy: bool) -> str:
    if spread is None:
        return "-"
    return f"{100 * spread:.1f}" if accuracy else f"{spread:.2g}"


def comparison(name: str, titles: bool) -> str:
    """The tables of `innerloop compare`."""
    found = load(name)
    parts = []
    for key, rows in found["tables"].items():
        if titles:
            heading = _TITLES[key] if len(found["tables"]) > 1 else ""
            parts.append(f"{heading} {_tasks(rows[0])}".strip())
        parts.append(evaluations(rows, costs=titles))
        if not titles:
            break
    best, rest = found["best"], found["verdicts"]
    if titles and rest:
        parts.append(f"Best on these tasks: {best}. {rest[0][0].upper()}{rest[0][1:]}.")
    seeds = len({seed for rows in found["tables"].values() for row in rows for seed, _ in row.get("seeds", ())}) or 1
    where = about({**found["provenance"], **_threads(found)}, seeds)
    return "\n\n".join([*filter(None, parts), f"From `results/{name}.json`: {where}"])


def crossover(name: str) -> str:
    """The rows of `innerloop compare --shots` at every number of shots, and where one side catches up."""
    found = load(name)
    row = found["tables"]["test"][0]
    said = [f"{len(row['values']):,} test tasks of {row['source']['name']}.", _over(found["shots"])]
    return "\n\n".join([*said, *_bullets(found["verdict"]), _where(name, found), " ".join(found["equal"])])


def budget(name: str) -> str:
    """The rows of `innerloop budget` at every size of the training data."""
    found = load(name)
    row = found["tables"]["test"][0]
    said = [f"{len(row['values']):,} test tasks of {row['source']['name']}.", _over(found)]
    return "\n\n".join([*said, *_bullets(found["verdict"]), _where(name, found), " ".join(found["equal"])])


def _over(found: dict[str, Any]) -> str:
    """A table with a row for each learner and a column for each place; the best at each place is bold."""
    accuracy = found["metric"] == "accuracy"
    best = {
        at: (max if accuracy else min)(
            point["mean"] for row in found["rows"] for point in row["points"] if point["at"] == at and _there(point)
        )
        for at in found["values"]
    }
    lines = [[f"learner, over {found['unit']}", *(f"{at:,}" for at in found["values"])]]
    rows = sorted(found["rows"], key=lambda row: _last(row, accuracy))
    for row in rows:
        at = {point["at"]: point for point in row["points"]}
        cells = [_cell(at.get(place), best[place], accuracy) for place in found["values"]]
        lines.append([f"{row['name']} ({row['family']})", *cells])
    brackets = "In brackets the standard deviation over training seeds. "
    several = any(point["spread"] is not None for row in found["rows"] for point in row["points"])
    said = f"Mean {'accuracy in per cent' if accuracy else 'squared error'} ± half of the 95 % interval over tasks. "
    return markdown(lines) + "\n\n" + (said + (brackets if several else "")).strip()


def _cell(point: dict[str, Any] | None, best: float, accuracy: bool) -> str:
    if point is None:
        return "-"
    if not _there(point):
        return "diverged"
    spread = "" if point["spread"] is None else f" ({_spread(point['spread'], accuracy)})"
    text = number(point["mean"], point["half"], accuracy) + spread
    return f"**{text}**" if point["mean"] == best else text


def _there(point: dict[str, Any]) -> bool:
    return point["mean"] is not None


def _last(row: dict[str, Any], accuracy: bool) -> float:
    mean = row["points"][-1]["mean"]
    return float("inf") if mean is None else -mean if accuracy else mean


def _bullets(sentences: list[str]) -> list[str]:
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def _where(name: str, found: dict[str, Any]) -> str:
    seeds = len({seed for row in found["tables"]["test"] for seed, _ in row["seeds"]})
    return f"From `results/{name}.json`: " + about({**found["provenance"], **_threads(found)}, seeds)


def _threads(found: dict[str, Any]) -> dict[str, int]:
    # each row was computed by a process of its own
    return {"threads": next(iter(found["tables"].values()))[0]["about"]["threads"]}


def _tasks(row: dict[str, Any]) -> str:
    source = row["source"]
    shape = f"{source['ways']}-way {source['shots']}-shot" if source.get("ways") else f"{source['shots']} support rows"
    return f"{len(row['values']):,} {source['split']} tasks of {source['name']}, {shape}."


def sinusoids(name: str) -> str:
    """The sinusoid table."""
    found = load(name)
    lines = [["learner", "inner steps", "squared error", "sd over seeds"]]
    for row in found["table"]:
        spread = f"{row['sd_over_seeds']:.2g}" if row["sd_over_seeds"] is not None else "-"
        lines.append([row["row"], str(row["steps"] or "-"), f"{row['mean']:.3g} ± {row['half']:.2g}", spread])
    times = ", ".join(
        f"{entry['times_lower']:.1f} times after {entry['steps']}" for entry in found["maml_against_pretrained"]
    )
    seeds = len(found["training_seeds"])
    return "\n\n".join([
        f"{found['tasks']['count']:,} test tasks, {found['outer_steps']:,} outer steps; the inner rate of each row was "
        f"chosen among {len(found['rates_tried'])} on {found['chosen_on']}. Predicting zero gives "
        f"{found['predict_zero']:.3g}.",
        markdown(lines),
        f"MAML's error is lower than the pretrained network's by these factors: {times} step(s). Published with "
        "another schedule (Zintgraf et al. 2019, table 1): 0.33 for MAML after one step.",
        f"From `results/{name}.json`: " + about(found["provenance"], seeds),
    ])  # fmt: skip


def robustness(name: str) -> str:
    """The kill test in a sentence."""
    found = load(name)
    said = "equal to the bit" if found["equal"] else f"different in {', '.join(found['different'])}"
    return (
        f"{found['kills']} kills in a run of {found['steps']:,} steps; afterwards the weights are {said} to those of "
        f"the uninterrupted run. From `results/{name}.json`."
    )
