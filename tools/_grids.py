"""Tables of the grids in evidence/: a row of a file is one method, trained and measured."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from _markdown import about, load, markdown, number


def omniglot_methods(name: str) -> str:
    """Methods at equal training time: a table for each protocol, shape and training time."""
    found = load(name)
    rows = sorted(found["rows"], key=lambda row: row["cell"][1:4] + row["cell"][5:6])
    parts, device = [f"{found['tasks']:,} test tasks of Omniglot."], found["device"]
    where = "one core" if device == "cpu" else f"one {device}"
    for (protocol, ways, shots, minutes), group in groupby(rows, lambda row: (*row["cell"][1:4], row["cell"][5])):
        title = f"Protocol {protocol}, {ways}-way {shots}-shot, {minutes:g} minutes of training on {where}:"
        parts += [title, _omniglot(list(group))]
    seeds = len({row["cell"][4] for row in rows})
    return "\n\n".join(
        [*parts, f"From `results/{name}.json`: at most " + about(rows[0]["provenance"], seeds, device=device)]
    )


def _omniglot(rows: list[dict[str, Any]]) -> str:
    several = len({row["cell"][4] for row in rows}) > 1
    body = []
    for _, group in groupby(sorted(rows, key=lambda row: (row["cell"][0], row["cell"][4])), lambda row: row["cell"][0]):
        of = list(group)
        measured = {norm: [row["accuracy"][norm] for row in of] for norm in of[0]["accuracy"]}
        cells = [_accuracy(measured.get("batch")), _accuracy(measured.get("support"))]
        cells[1] = _accuracy(measured["running"]) if "running" in measured else cells[1]
        line = [of[0]["name"], of[0]["family"], *cells, *([str(len(of))] if several else [])]
        best = max(np.mean([each["mean"] for each in entries]) for entries in measured.values())
        spent = [f"{np.mean([row[key] for row in of]) / by:{form}}" for key, by, form in _SPENT]
        body.append((best, [*line, *spent]))
        for rivals in zip(*(row["rivals"] for row in of), strict=True):
            cells = ["-", _accuracy(list(rivals)), *([str(len(rivals))] if several else [])]
            best = np.mean([each["mean"] for each in rivals])
            body.append((best, [f"{rivals[0]['name']} ({rivals[0]['note']})", of[0]["family"], *cells, *spent]))
    head = ["method", "family", "query batch (transductive), %", "otherwise, %", *(["seeds"] if several else [])]
    ordered = [line for _, line in sorted(body, key=lambda pair: -pair[0])]
    return markdown([[*head, "outer steps", "training, min"], *ordered])


def omniglot_attempts(name: str) -> str:
    """Further attempts of methods that stay below what is asked: what was changed, and what came of it."""
    found = load(name)
    lines = [["method", "asked, %", "attempt", "test, %", "best validation, %", "outer steps", "training, min"]]
    for row in found["rows"]:
        method, attempt = row["cell"][:2]
        asked = found["asked"].get(method)
        (measured,) = row["accuracy"].values()
        spent = [f"{row[key] / by:{form}}" for key, by, form in _SPENT]
        cells = [row["name"], "-" if asked is None else f"{asked:g}", attempt, _accuracy([measured])]
        lines.append([*cells, f"{100 * row['validation']:.1f}", *spent])
    said = []
    for method, asked in found["asked"].items():
        rows = [row for row in found["rows"] if row["cell"][0] == method]
        if not rows:
            continue
        # validation classes choose, so that the best of several is not the luckiest on the test tasks
        (measured,) = max(rows, key=lambda row: row["validation"])["accuracy"].values()
        reached = "is" if round(100 * measured["mean"], 1) >= asked else "is not"
        said.append(
            f"{rows[0]['name']}: {asked:g} % {reached} reached; of {len(rows)} attempts the one with the best "
            f"validation has {100 * measured['mean']:.1f} % on the test tasks."
        )
    seeds = len({row["cell"][3] for row in found["rows"]})
    return "\n\n".join(
        [
            markdown(lines),
            " ".join(said),
            f"From `results/{name}.json`: " + about(found["rows"][0]["provenance"], seeds),
        ]
    )


_SPENT = (("steps", 1, ",.0f"), ("trained_seconds", 60, ".0f"))


def _accuracy(entries: list[dict[str, Any]] | None) -> str:
    """Mean over training seeds, half-width over tasks, deviation over seeds."""
    if not entries:
        return "-"
    means, halves = ([entry[key] for entry in entries] for key in ("mean", "half"))
    spread = f" ({100 * np.std(means, ddof=1):.1f})" if len(means) > 1 else ""
    return number(float(np.mean(means)), float(np.mean(halves))) + spread


def sinusoid_family(name: str) -> str:
    """The gradient family on sinusoids: a table for each number of shots."""
    found = load(name)
    if "rows" not in found:
        return f"Inner rates have been chosen for {len(found['tuned'])} methods, no row is measured yet."
    tried = len(found["tuned"][0]["tried"])
    parts = [
        f"{found['tasks']:,} test tasks; inner rates were chosen at 10 shots among {tried} on validation tasks, after "
        "a fifth of the outer steps. Means over seeds ± half of the 95 % "
        "interval over tasks; in brackets the standard deviation over seeds. Outside: amplitudes from "
        f"{found['outside'][0]:g} to {found['outside'][1]:g}, where training had at most 5."
    ]
    rows = [row for row in found["rows"] if "diverged" not in row]
    for shots in sorted({row["cell"][1] for row in rows}):
        lines = [["method", "rate", "outer steps", "inner steps", "after 1 step", "after its steps", "after 10 steps"]]
        lines[0] += ["outside, its steps", "seeds"]
        body = []
        for method in dict.fromkeys(row["cell"][0] for row in rows):
            of = [row for row in rows if row["cell"][:2] == [method, shots]]
            if not of:
                continue
            steps = of[0]["trained_steps"] or 10
            cells = [_over_seeds([row["inside"] for row in of], at) for at in (1, steps, 10)]
            outside = _over_seeds([row["outside"] for row in of], steps)
            line = [of[0]["name"], f"{of[0]['cell'][3]:g}", f"{of[0]['cell'][4]:,}", str(of[0]["trained_steps"] or "-")]
            body.append((_mean(of, steps), [*line, *cells, outside, str(len(of))]))
        lines += [line for _, line in sorted(body, key=lambda pair: pair[0])]
        for rival in (entry for entry in found["rivals"] if entry["shots"] == shots):
            inside, outside = (number(*rival[where], accuracy=False) for where in ("inside", "outside"))
            lines.append([rival["name"], "-", "-", "-", "-", inside, "-", outside, "-"])
        parts += [f"K = {shots}:", markdown(lines)]
    if failed := [entry["cell"][0] for entry in found["tuned"] if entry["rate"] is None]:
        parts.append(f"Diverged at every rate that was tried: {', '.join(failed)}.")
    if lost := [row for row in found["rows"] if "diverged" in row]:
        said = (f"{row['name']} at K = {row['cell'][1]}, seed {row['cell'][2]}" for row in lost)
        parts.append(f"Diverged in training, though its rate had held in the trials: {'; '.join(said)}.")
    about_ = about(found["rows"][0]["provenance"], len({row["cell"][2] for row in found["rows"]}))
    return "\n\n".join([*parts, f"From `results/{name}.json`: at most {about_}"])


def _mean(rows: list[dict[str, Any]], step: int) -> float:
    return float(np.mean([np.nan if (v := row["inside"]["mean"][step]) is None else v for row in rows]))


def _over_seeds(curves: list[dict[str, Any]], step: int) -> str:
    """Mean, half-width over tasks and deviation over seeds after some steps."""
    means, halves = ([curve[key][step] for curve in curves] for key in ("mean", "half"))
    if None in means or max(means) > 1e4:
        return "diverged"
    spread = f" ({np.std(means, ddof=1):.2g})" if len(means) > 1 else ""
    return number(float(np.mean(means)), float(np.mean(halves)), accuracy=False) + spread
