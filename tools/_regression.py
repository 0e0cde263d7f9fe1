"""Tables of regression: curves beside their posterior, and patients beside their own means."""

from __future__ import annotations

from typing import Any

import numpy as np

from _markdown import about, load, markdown, number
from innerloop.evaluation import paired_difference
from innerloop.evaluation._statistics import interval


def curves(name: str) -> str:
    """What learners lose against the posterior, a table for each protocol and kernel."""
    found = load(name)
    parts = [
        f"{found['tasks']:,} test tasks. Nats a query point ± half of the 95 % interval over tasks. The gap is paired: "
        "what is lost on the same tasks against the exact posterior that is told the kernel of each."
    ]
    places = dict.fromkeys((row["cell"][1], kernel) for row in found["rows"] for kernel in row["measured"])
    for protocol, kernel in places:
        rows = [row for row in found["rows"] if row["cell"][1] == protocol]
        first = rows[0]["measured"][kernel]
        body = []
        for row in rows:
            here = row["measured"][kernel]
            density, gap = ("-", "-") if here["gap"] is None else (_nats(here["log_density"]), _between(here["gap"]))
            line = [row["name"], density, gap, number(*here["squared_error"], accuracy=False)]
            body.append((here["squared_error"][0], [*line, f"{row['steps']:,}", f"{row['trained_seconds'] / 60:.0f}"]))
        lines = [line for _, line in sorted(body, key=lambda pair: pair[0])]
        oracle = ["Exact posterior", _nats(first["posterior_log_density"]), "0"]
        lines = [[*oracle, number(*first["posterior_squared_error"], accuracy=False), "-", "-"], *lines]
        trivial = number(*first["constant_squared_error"], accuracy=False)
        lines.append(["Mean of the support targets", "-", "-", trivial, "-", "-"])
        head = ["learner", "log-density", "gap to the posterior", "squared error", "outer steps", "training, min"]
        parts += [_CURVES[protocol, kernel], markdown([head, *lines]), *_attentive(rows, kernel)]
    seeds = len({row["cell"][2] for row in found["rows"]})
    about_ = about(found["rows"][0]["provenance"], seeds)
    return "\n\n".join([*parts, f"From `results/{name}.json`: {about_}"])


_CURVES = {
    (
        "fixed",
        "rbf",
    ): "One kernel for all: RBF of length 0.4, scale 1, noise 0.1; 10 support and 20 query points:",
    ("tnp", "rbf"): "A kernel of its own for each curve (protocol of Nguyen and Grover 2022), RBF as in training:",
    ("tnp", "matern"): "The same learners on Matérn 5/2, not in training:",
    ("tnp", "periodic"): "The same learners on periodic curves, not in training:",
}


def _attentive(rows: list[dict[str, Any]], kernel: str) -> list[str]:
    """The conditional process against the attentive one, in pairs."""
    losses = {row["cell"][0]: row["measured"][kernel]["losses"] for row in rows}
    if not (losses.get("cnp") and losses.get("anp")):
        return []
    cnp, anp = np.array(losses["cnp"]), np.array(losses["anp"])
    lost, won = paired_difference(cnp, anp), paired_difference(anp, cnp)
    if lost.low <= 0 <= lost.high:
        said = f"is not seen to differ from the attentive one (paired, {_between(lost)} nats a point)"
    elif lost.low > 0:
        said = f"is below the attentive one by {_between(lost)} nats a point, paired"
    else:
        said = f"is above the attentive one by {_between(won)} nats a point, paired"
    return [f"The conditional neural process {said}."]


def _nats(entry: list[float]) -> str:
    return f"{entry[0]:.3f} ± {entry[1]:.3f}"


def _between(entry: Any) -> str:
    mean, low, high = entry
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


def parkinsons(name: str) -> str:
    """Absolute error over all patients: a table for each order of the support rows."""
    found = load(name)
    parts = [
        f"Cross-validation over patients in {found['folds']} parts. Mean absolute error of motor UPDRS in points over "
        f"the patients ± half of the 95 % interval over patients; each is a mean over {found['tasks'] // 7} draws "
        "of rows or so. Bold: seen to be better than the patient's own mean, in pairs."
    ]
    rows = whole_folds(found["rows"])
    if not rows:
        return "No fold is measured with every method yet."
    for order in dict.fromkeys(row["cell"][2] for row in rows):
        here = [row for row in rows if row["cell"][2] == order]
        shots = sorted({row["cell"][1] for row in here})
        methods = list(dict.fromkeys(row["cell"][0] for row in here))
        errors = {
            (method, count): over_patients([row for row in here if row["cell"][:2] == [method, count]])
            for method in methods for count in shots
        }  # fmt: skip
        lines = [["learner", "family", *(f"{count} rows" for count in shots)]]
        for method in methods:
            row = next(row for row in here if row["cell"][0] == method)
            said = "The patient's own mean" if method == "constant" else row["name"]
            cells = [_patients(errors[method, count], errors["constant", count]) for count in shots]
            lines.append([said, row["family"], *cells])
        parts += [f"Support rows: {_ORDERS[order]}:", markdown(lines), *_beaten(errors, here, shots)]
    for shots, order in dict.fromkeys((row["cell"][1], row["cell"][2]) for row in rows):
        folds = {row["cell"][3] for row in rows if row["cell"][1:3] == [shots, order]}
        if len(folds) < found["folds"]:
            parts.append(f"With {shots} rows, {_ORDERS[order]}, {len(folds)} of {found['folds']} parts are measured.")
    about_ = about(found["rows"][0]["provenance"], 1)
    return "\n\n".join([*parts, f"From `results/{name}.json`: {about_}"])


_ORDERS = {"random": "drawn at random", "first by time": "the first ones by time, later ones are predicted"}


def whole_folds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of those folds in which every method is measured, so that all are compared on the same patients."""
    every = {row["cell"][0] for row in rows}
    there: dict[tuple[Any, ...], set[str]] = {}
    for row in rows:
        there.setdefault(tuple(row["cell"][1:4]), set()).add(row["cell"][0])
    return [row for row in rows if there[tuple(row["cell"][1:4])] == every]


def over_patients(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Error of each patient, the folds put together; one that is not finite counts as infinite."""
    found = {name: np.inf if error is None else error for row in rows for name, error in row["patients"].items()}
    return dict(sorted(found.items()))


_DIVERGED = 1e4
"""Points of error from which a mean says no more than that; the scale of motor UPDRS ends at 108."""


def _patients(errors: dict[str, float], own: dict[str, float]) -> str:
    values, others = np.array(list(errors.values())), np.array(list(own.values()))
    if not (values < _DIVERGED).all():
        return "diverged"
    better = errors.keys() == own.keys() and paired_difference(values, others).high < 0
    text = number(*interval(values), accuracy=False)
    return f"**{text}**" if better else text


def _beaten(errors: dict[tuple[str, int], dict[str, float]], rows: list[dict[str, Any]], shots: list[int]) -> list[str]:
    """The best closed form or gradient learner against the patient's own mean."""
    names = {row["cell"][0]: row["name"] for row in rows}
    lines = []
    for count in shots:
        own = np.array(list(errors["constant", count].values()))
        means = {m: np.mean(list(errors[m, count].values())) for m in names if m != "constant"}
        best = min(means, key=lambda method: means[method])
        found = paired_difference(np.array(list(errors[best, count].values())), own)
        said = "better" if found.high < 0 else "worse" if found.low > 0 else "not seen to differ"
        lines.append(f"- {count} rows: {names[best]} is {said}, by {_between(found)} points against the own mean.")
    return ["\n".join(lines)]
