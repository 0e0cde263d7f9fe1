"""The answer of the comparisons: which family wins on which problem, at how many shots, by how much, at what cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from _markdown import ROOT, load, markdown, number
from _regression import over_patients, whole_folds
from innerloop.evaluation import paired_difference
from innerloop.evaluation._statistics import interval

PROBLEMS = {
    "characters": "Characters",
    "characters_5": "Characters, trained with 5 shots",
    "omniglot": "Omniglot A",
    "clinc": "CLINC150",
    "sinusoids": "Sinusoids",
}
_SAID = {
    "meta-learning": "meta-learning", "transfer": "transfer", "level": "no difference seen", "trivial": "neither",
    "unknown": "one side only",
}  # fmt: skip


def answers(name: str) -> str:
    """A row for each problem and number of shots, and the sentences behind it."""
    lines = [["problem", "shots", "winner", "best meta-learned", "best without meta-learning", "difference"]]
    sentences, missing = [], []
    for problem, title in PROBLEMS.items():
        if not (ROOT / "results" / f"families_{problem}.json").exists():
            missing.append(title)
            continue
        found = load(f"families_{problem}")["shots"]
        for ruling in found["rulings"]:
            lines.append([title, str(ruling["at"]), *_row(found, ruling)])
        sentences.append(_list(title, [" ".join(ruling["sentences"]) for ruling in found["rulings"]]))
    if (ROOT / "results" / "parkinsons.json").exists():
        measured = load("parkinsons")
        rows, said = _patients(whole_folds(measured["rows"]), measured["folds"])
        lines += rows
        sentences.append(_list("Parkinsons", said))
    else:
        missing.append("Parkinsons")
    left = [f"Not measured yet: {'; '.join(missing)}."] if missing else []
    return "\n\n".join([markdown(lines), *left, *sentences])


def _row(found: dict[str, Any], ruling: dict[str, Any]) -> list[str]:
    accuracy = found["metric"] == "accuracy"
    points = {row["name"]: {point["at"]: point for point in row["points"]} for row in found["rows"]}
    families = {row["name"]: row["family"] for row in found["rows"]}

    def said(side: str) -> str:
        row = ruling["best"].get(side)
        if row is None:
            return "-"
        point = points[row][ruling["at"]]
        return f"{row} ({families[row]}), {number(point['mean'], point['half'], accuracy)}"

    means = [points[row][ruling["at"]]["mean"] for side in _SIDES if (row := ruling["best"].get(side))]
    scale, form = (100, "+.1f") if accuracy else (1, "+.3g")
    difference = f"{scale * (means[0] - means[1]):{form}}" if len(means) == 2 else "-"
    return [_SAID[ruling["winner"]], *map(said, _SIDES), difference]


def _list(title: str, sentences: list[str]) -> str:
    return "\n".join([f"**{title}.**", "", *(f"- {text}" for text in sentences)])


_SIDES = ("meta-learning", "transfer")


def _patients(rows: list[dict[str, Any]], folds: int) -> tuple[list[list[str]], list[str]]:
    """The rows of the patients whose support rows were drawn at random, and those where they are the first ones.

    What is measured on some of the folds alone is left out: it is not about the same patients.
    """
    lines, sentences = [], []
    for order in dict.fromkeys(row["cell"][2] for row in rows):
        for shots in sorted({row["cell"][1] for row in rows if row["cell"][2] == order}):
            here = [row for row in rows if row["cell"][1:3] == [shots, order]]
            if len({row["cell"][3] for row in here}) < folds:
                continue
            errors = {
                method: np.array(list(over_patients([row for row in here if row["cell"][0] == method]).values()))
                for method in dict.fromkeys(row["cell"][0] for row in here)
            }
            named = {row["cell"][0]: (row["name"], row["family"]) for row in here}
            took = {method: _training([row for row in here if row["cell"][0] == method]) for method in named}
            meta = _best(errors, [m for m, (_, family) in named.items() if family not in ("transfer", "trivial")])
            other = _best(errors, [m for m, (_, family) in named.items() if family in ("transfer", "trivial")])
            found = paired_difference(errors[meta], errors[other])
            winner = "meta-learning" if found.high < 0 else named[other][1] if found.low > 0 else "no difference seen"
            cells = [f"{named[m][0]} ({named[m][1]}), {number(*interval(errors[m]), accuracy=False)}"
                     for m in (meta, other)]  # fmt: skip
            lines.append([f"Parkinsons, rows {order}", str(shots), winner, *cells, f"{found.mean:+.3g}"])
            sentences.append(
                f"With {shots} rows ({order}) {named[meta][0]} errs by {abs(found.mean):.2f} points "
                f"{'less' if found.mean < 0 else 'more'} than {named[other][0]} "
                f"(95 % interval over patients {found.low:+.2f} to {found.high:+.2f}). What it costs: training took "
                f"{took[meta]} against {took[other]}."
            )
    return lines, sentences


def _training(rows: list[dict[str, Any]]) -> str:
    """What a training took, the mean over the folds; closed forms are not trained."""
    seconds = [row["trained_seconds"] for row in rows if row["trained_seconds"] is not None]
    return f"{np.mean(seconds):.0f} s" if seconds else "nothing"


def _best(errors: dict[str, Any], methods: list[str]) -> str:
    return min(methods, key=lambda method: float(np.mean(errors[method])))
