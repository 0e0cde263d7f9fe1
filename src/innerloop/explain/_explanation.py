"""All findings about a learner together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from innerloop.explain._alignment import Alignment
from innerloop.explain._analysis import Analysis
from innerloop.explain._calibration import CalibrationCourse
from innerloop.explain._freezing import Freezing
from innerloop.explain._influence import Influence
from innerloop.explain._learned_rates import Rates
from innerloop.explain._memorisation import Memorisation
from innerloop.explain._movement import Movement
from innerloop.explain._over_adaptation import OverAdaptation
from innerloop.explain._similarity import Similarity


@dataclass(frozen=True)
class Explanation(Analysis):
    """What adaptation changes in a learner, and which examples matter to it. None: not defined for this learner.

    Attributes:
        name: the learner.
        source: what the tasks are.
        first: number of the first task.
        tasks: how many tasks.
        norm: whose statistics normalised the query examples.
        steps: inner steps; None for a learner without.
        movement: how far layers move.
        freezing: which layers have to adapt.
        similarity: which representations change.
        learned_rates: learned inner rates.
        influence: which support examples matter.
        calibration: confidence before and after.
        over_adaptation: how many steps are too many.
        memorisation: whether support targets matter.
        alignment: directions of gradients.
        undefined: reasons, by the names of the analyses that are not defined.
        seconds: wall time.
        about: device, threads, versions.
    """

    name: str
    source: dict[str, Any]
    first: int
    tasks: int
    norm: str
    steps: int | None
    movement: Movement | None
    freezing: Freezing | None
    similarity: Similarity | None
    learned_rates: Rates | None
    influence: Influence | None
    calibration: CalibrationCourse | None
    over_adaptation: OverAdaptation | None
    memorisation: Memorisation | None
    alignment: Alignment | None
    undefined: dict[str, str]
    seconds: float
    about: dict[str, Any]

    @property
    def found(self) -> dict[str, Analysis]:
        """The findings by the names of their analyses."""
        return {name: each for name, each in vars(self).items() if isinstance(each, Analysis)}

    @property
    def sentences(self) -> list[str]:
        """All findings in words."""
        return [sentence for each in self.found.values() for sentence in each.sentences]

    def __str__(self) -> str:
        shots = f"{self.source.get('name')}, {self.source.get('split')} tasks"
        lines = [f"{self.name} on {self.tasks:,} tasks ({shots})"]
        for name, each in self.found.items():
            if said := " ".join(each.sentences):
                lines.append(f"- {name.replace('_', ' ')}: {said}")
        lines += [f"- {name.replace('_', ' ')}: not defined. {reason}" for name, reason in self.undefined.items()]
        return "\n".join(lines)
