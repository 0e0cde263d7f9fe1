"""Should it be meta-learned? The question of a comparison, answered in words that follow from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from innerloop.evaluation._compare import Comparison, comparison
from innerloop.evaluation._spent import Spent
from innerloop.evaluation._words import how_long

Side = Literal["meta-learning", "transfer", "trivial"]

CHEAPER = 0.8
"""A row that costs less than this share of another is called cheaper: times on a shared machine differ by some tenth
from one measurement to the next. A choice."""


def side(family: str) -> Side:
    """The side that a family of learners is on: what is neither transfer nor trivial was meta-learned.

    >>> side("metric"), side("transfer"), side("trivial")
    ('meta-learning', 'transfer', 'trivial')
    """
    return "transfer" if family == "transfer" else "trivial" if family == "trivial" else "meta-learning"


@dataclass(frozen=True)
class Ruling:
    """Which side wins.

    Attributes:
        winner: "meta-learning", "transfer", "trivial" (nothing is seen to beat the trivial predictor), "level" (no
            difference is seen between the best of both), or "unknown" (one of the two was not measured).
        best: name of the best row of each side that was measured.
        sentences: the ruling in words: who wins, by how much, at what cost; and what it would be without transductive
            rows, if one of them stands in it.
    """

    winner: Literal["meta-learning", "transfer", "trivial", "level", "unknown"]
    best: dict[Side, str] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)


def ruling(
    rows: Comparison, families: Mapping[str, str], spent: Mapping[str, Spent] | None = None, where: str = ""
) -> Ruling:
    """Puts the best meta-learned row against the best transfer row, and both against the trivial predictor.

    Args:
        rows: evaluations on the same tasks.
        families: family of each row, by its name.
        spent: what each row cost, by its name.
        where: said after the winner, for instance "at 5 shots".
    """
    found = _ruling(rows, families, spent or {}, where)
    transductive = [name for name in found.best.values() if rows.rows[name].norm == "batch"]
    kept = {name: row for name, row in rows.rows.items() if row.norm != "batch"}
    if not transductive or not any(side(families[name]) == "meta-learning" for name in kept):
        return found
    without = _ruling(comparison(kept), families, spent or {}, where)
    first = without.sentences[0]
    also = f"Without rows that look at the query batch (transductive): {first[0].lower()}{first[1:]}"
    return Ruling(found.winner, found.best, [*found.sentences, also])


def best_of(rows: Comparison, families: Mapping[str, str]) -> dict[Side, str]:
    """The best row of each side, by its mean; a row that diverged is none, nor is one that knows the truth."""
    found: dict[Side, str] = {}
    for name, row in rows.rows.items():  # best first
        if np.isfinite(row.mean) and families[name] != "oracle":
            found.setdefault(side(families[name]), name)
    return found


def _ruling(rows: Comparison, families: Mapping[str, str], spent: Mapping[str, Spent], where: str) -> Ruling:
    best = best_of(rows, families)
    meta, transfer, trivial = (best.get(name) for name in ("meta-learning", "transfer", "trivial"))
    at = f" {where}" if where else ""
    learned = [name for name in rows.rows if name in (meta, transfer)]
    if not learned:
        return Ruling("unknown", best, [f"Nothing was learned{at}: every row is trivial or has diverged."])
    if trivial is not None and not _beats(rows, learned[0], trivial):
        said = f"Nothing is seen to beat the trivial predictor{at}: {rows.verdict(learned[0], trivial)}."
        return Ruling("trivial", best, [said])
    if meta is None or transfer is None:
        there, missing = ("meta-learned", "transfer") if transfer is None else ("transfer", "meta-learned")
        said = f"The best row{at} is {learned[0]}, which is {there}; no {missing} row was measured beside it."
        return Ruling("unknown", best, [said])
    difference = rows.difference(meta, transfer)
    if not difference.seen:
        said = f"No winner{at}: {rows.verdict(learned[0], learned[1])}."
        return Ruling("level", best, [said, *_cheaper(learned[0], learned[1], spent)])
    first, second = (meta, transfer) if learned[0] == meta else (transfer, meta)
    untrained = spent.get(first, Spent()).untrained
    name = "Meta-learning" if first == meta else "A row without any training" if untrained else "Transfer"
    said = f"{name} wins{at}: {rows.verdict(first, second)}."
    return Ruling("meta-learning" if first == meta else "transfer", best, [said, *_paid(first, second, spent)])


def _beats(rows: Comparison, a: str, b: str) -> bool:
    difference = rows.difference(a, b)
    return difference.seen and (difference.mean > 0) == rows.rows[a].higher_is_better


def _paid(a: str, b: str, spent: Mapping[str, Spent]) -> list[str]:
    parts = [
        f"{what} took {_time(one)} against {_time(other)}"
        for what, one, other in _times(a, b, spent)
        if one is not None and other is not None
    ]
    return [f"What it costs, {a} against {b}: {'; '.join(parts)}."] if parts else []


def _cheaper(a: str, b: str, spent: Mapping[str, Spent]) -> list[str]:
    """Which of two equals to take."""
    times = [(what, one, other) for what, one, other in _times(a, b, spent) if one is not None and other is not None]
    cheap = {
        name: [what for what, one, other in times if (one, other)[place] < CHEAPER * (other, one)[place]]
        for place, name in enumerate((a, b))
    }
    costs = _paid(a, b, spent)
    if not times:
        return []
    if cheap[a] and cheap[b]:
        return [*costs, f"{a} is cheaper in {' and '.join(cheap[a])}, {b} in {' and '.join(cheap[b])}."]
    for name in (a, b):
        if cheap[name]:
            return [*costs, f"Take the cheaper one: {name}."]
    return [*costs, "They cost about the same."]


def _time(seconds: float) -> str:
    return how_long(seconds) if seconds else "nothing"


def _times(a: str, b: str, spent: Mapping[str, Spent]) -> list[tuple[str, float | None, float | None]]:
    one, other = spent.get(a, Spent()), spent.get(b, Spent())
    return [
        ("training", _trained(one), _trained(other)),
        ("adapting to a task", one.adapt_seconds, other.adapt_seconds),
    ]


def _trained(spent: Spent) -> float | None:
    return 0.0 if spent.untrained else spent.train_seconds
