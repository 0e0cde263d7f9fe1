"""The table of evidence/explain.py."""

from __future__ import annotations

from typing import Any

from _markdown import about, load, markdown, number

_RANKED = ("first", "most_harmful", "most_contradicted")


def explain(name: str) -> str:
    """A planted wrong label, and which representations adaptation keeps."""
    found = load(name)
    rows = found["rows"]
    head = [
        "learner", "accuracy, %", "wrong label first, %", "by query loss alone", "by held-out loss alone",
        "shuffled labels, %", "CKA of the body, least", "CKA of the head",
    ]  # fmt: skip
    lines = [head]
    for row in rows:
        planted, shuffled = row["planted"], row["memorisation"]["shuffled"]
        lines.append([
            row["name"],
            number(row["accuracy"]["mean"], row["accuracy"]["half"]),
            *(number(planted[by]["mean"], planted[by]["half"]) for by in _RANKED),
            number(shuffled["mean"], shuffled["half"]),
            *_similarities(row),
        ])  # fmt: skip
    seeds = len({row["cell"][1] for row in rows})
    examples = rows[0]["planted"]["examples"]
    said = (
        f"{found['tasks']:,} test tasks of Omniglot, 5-way {found['shots']}-shot, after {found['outer_steps']:,} "
        f"outer steps. The wrong label is one among {examples}: guessing would rank it first in "
        f"{100 / examples:.0f} %. It was planted in tasks from number {found['planted_from']:,} on, "
        "the rest is measured on the first."
    )
    moved = [sentence for row in rows for sentence in _moved(row)]
    return "\n\n".join(
        [said, markdown(lines), *moved, f"From `results/{name}.json`: " + about(rows[0]["provenance"], seeds)]
    )


def _similarities(row: dict[str, Any]) -> list[str]:
    layers = row.get("similarity", {}).get("layers")
    if not layers:
        return ["-", "-"]
    body = min((layer["cka"] for layer in layers if not layer["head"]), key=lambda cka: cka["mean"])
    head = next(layer["cka"] for layer in layers if layer["head"])
    return [f"{cka['mean']:.3f} ± {cka['half']:.3f}" for cka in (body, head)]


def _moved(row: dict[str, Any]) -> list[str]:
    """Whether the body moves less than the head: in weights, and in what the layers compute."""
    layers = row.get("movement", {}).get("layers", ())
    ends = {head: [layer["relative"][-1] for layer in layers if layer["head"] == head and layer["relative"]]
            for head in (False, True)}  # fmt: skip
    if not (ends[False] and ends[True]):
        return []
    body, head = (max(end["mean"] for end in ends[which]) for which in (False, True))
    order = "less" if body < head else "more"
    parts = [
        f"in weights its body moves {order} than its head ({100 * body:.1f} % of a layer at most, {100 * head:.1f} %)"
    ]
    if similar := row.get("similarity", {}).get("layers"):
        kept, changed = (
            min(layer["cka"]["mean"] for layer in similar if layer["head"] == which) for which in (False, True)
        )
        order = "less" if kept > changed else "more"
        parts.append(
            f"what it computes changes {order} in the body than in the head (CKA {kept:.2f} at least, {changed:.2f})"
        )
    return [f"{row['name']}: {'; '.join(parts)}."]
