"""Where one side catches up with the other as something grows: shots, or training classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from innerloop.evaluation._compare import Comparison
from innerloop.evaluation._families import best_of
from innerloop.evaluation._statistics import Difference
from innerloop.evaluation._words import counted, difference

NOT_CORRECTED = "Each interval stands for itself: they are not corrected for there being several."

Ahead = Literal["meta-learning", "transfer", "neither"]


@dataclass(frozen=True)
class Meeting:
    """The best rows of both sides at one place.

    Attributes:
        at: number of shots, of training classes, ...
        meta: name of the meta-learned row.
        transfer: name of the transfer row.
        advantage: paired difference in favour of the meta-learned row: positive where it is better.
        accuracy: whether the metric is an accuracy.
    """

    at: float
    meta: str
    transfer: str
    advantage: Difference
    accuracy: bool

    @property
    def ahead(self) -> Ahead:
        """The side that is seen to be better: the one that the interval excludes zero for."""
        if not self.advantage.seen:
            return "neither"
        return "meta-learning" if self.advantage.mean > 0 else "transfer"

    def __str__(self) -> str:
        first, second = (self.meta, self.transfer) if self.advantage.mean >= 0 else (self.transfer, self.meta)
        size, between = difference(self.advantage, self.accuracy, 1 if self.advantage.mean >= 0 else -1)
        return f"{first} over {second} by {size}, {between}"


@dataclass(frozen=True)
class Crossover:
    """Both sides over a range.

    Attributes:
        meetings: from the smallest to the largest place.
        unit: what the places count, for instance "shots".
        rival: what the transfer side is called in sentences.
    """

    meetings: list[Meeting]
    unit: str
    rival: str = "transfer"

    @property
    def leader(self) -> Ahead:
        """The side that is seen to be ahead first; "neither" if none ever is."""
        return next((each.ahead for each in self.meetings if each.ahead != "neither"), "neither")

    @property
    def caught_up(self) -> float | None:
        """The first place from which on the leader is not seen to be ahead any more; None if there is none.

        There the paired interval has stopped excluding zero, or the order has changed.
        """
        last = max((i for i, each in enumerate(self.meetings) if each.ahead == self.leader), default=-1)
        if self.leader == "neither" or last == len(self.meetings) - 1:
            return None
        return self.meetings[last + 1].at

    @property
    def overtaken(self) -> float | None:
        """The first place after that where the other side is seen to be ahead; None if there is none."""
        if self.caught_up is None:
            return None
        return next((m.at for m in self.meetings if m.at >= self.caught_up and m.ahead != "neither"), None)

    def sentences(self) -> list[str]:
        """The verdict in words."""
        if not self.meetings:
            return []
        first, last = self.meetings[0], self.meetings[-1]
        if self.leader == "neither":
            span = self._span(first.at, last.at)
            rival = "the best transfer row" if self.rival == "transfer" else self.rival
            return [f"No difference is seen between the best meta-learned row and {rival} {span}."]
        ahead = [each for each in self.meetings if each.ahead == self.leader]
        other = "transfer" if self.leader == "meta-learning" else "meta-learning"
        names = {"transfer": self.rival, "meta-learning": "meta-learning"}
        leads, follows = _capital(names[self.leader]), _capital(names[other])
        said = [f"{leads} is ahead {self._span(ahead[0].at, ahead[-1].at)} ({ahead[0]} at {ahead[0].at:,g})."]
        between = [m for m in self.meetings if ahead[0].at < m.at < ahead[-1].at and m.ahead != self.leader]
        for each in between:
            what = f"{names[other]} is ahead" if each.ahead == other else "no difference is seen"
            said.append(f"Not everywhere in between: at {each.at:,g} {what} ({each}).")
        if self.caught_up is None:
            said.append(f"{follows} does not catch up within the range, up to {counted(last.at, self.unit)}.")
            return said
        there = next(each for each in self.meetings if each.at == self.caught_up)
        if there.ahead == other:
            said.append(f"{follows} has overtaken it at {counted(there.at, self.unit)} ({there}).")
        else:
            where = counted(there.at, self.unit)
            said.append(f"{follows} catches up at {where}: no difference is seen there ({there}).")
            if self.overtaken is not None:
                later = next(each for each in self.meetings if each.at == self.overtaken)
                said.append(f"At {later.at:,g} it is ahead ({later}).")
        return said

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "unit": self.unit,
            "leader": self.leader,
            "caught_up": self.caught_up,
            "overtaken": self.overtaken,
            "sentences": self.sentences(),
            "meetings": [
                {
                    "at": each.at, "meta": each.meta, "transfer": each.transfer, "ahead": each.ahead,
                    "advantage": each.advantage.mean, "low": each.advantage.low, "high": each.advantage.high,
                }
                for each in self.meetings
            ],
        }  # fmt: skip

    def _span(self, low: float, high: float) -> str:
        return f"at {counted(low, self.unit)}" if low == high else f"from {low:,g} to {counted(high, self.unit)}"


def crossover(
    places: Sequence[tuple[float, Comparison]],
    families: Mapping[str, str],
    unit: str,
    transfer: str | None = None,
    rival: str = "transfer",
) -> Crossover:
    """Follows the best meta-learned and the best transfer row over a range.

    At every place the best row of each side is taken, which may be another one from place to place. A place where
    one side has no row, or only rows that diverged, is left out.

    Args:
        places: (number of shots, the comparison there), ...
        families: family of each row, by its name.
        unit: what the places count.
        transfer: a transfer row to follow in place of the best one.
        rival: what that row is called in sentences.
    """
    meetings = []
    for at, rows in sorted(places, key=lambda place: place[0]):
        best = best_of(rows, families)
        meta, other = best.get("meta-learning"), transfer if transfer is not None else best.get("transfer")
        if meta is None or other is None or other not in rows.rows or math.isnan(rows.rows[other].mean):
            continue
        found, accuracy = rows.difference(meta, other), rows.rows[meta].higher_is_better
        # an error is better the smaller it is
        advantage = found if accuracy else Difference(-found.mean, -found.high, -found.low)
        meetings.append(Meeting(at, meta, other, advantage, accuracy))
    return Crossover(meetings, unit, rival)


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
