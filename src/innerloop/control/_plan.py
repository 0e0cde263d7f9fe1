"""What is to be demonstrated: everything that decides the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from innerloop.control._tasks import HORIZON, short_name
from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.sources._base import SPLITS

GOALS_OF_A_SPLIT = 1_000_000
"""Each split has a range of goal numbers of its own."""


@dataclass(frozen=True)
class Plan:
    """What is to be demonstrated.

    Args:
        task: a task of Meta-World.
        split: "train", "validation" or "test"; the goals of one split are not those of another.
        goals: how many goals.
        demonstrations: how many for each goal, all of them successful.
        seed: another seed gives other goals and demonstrations.
        noise: standard deviation of what is added to each executed action.
        vary_start: every episode starts elsewhere (see `Manipulation`).
        after: steps that are recorded after the goal was reached.
        limit: steps after which an episode has failed.

    Raises:
        ConfigurationError: for numbers that make no sense.
    """

    task: str
    split: str = "train"
    goals: int = 150
    demonstrations: int = 4
    seed: int = 0
    noise: float = 0.3
    vary_start: bool = True
    after: int = 5
    limit: int = 200

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", short_name(self.task))
        least = {"goals": 1, "demonstrations": 1, "seed": 0, "after": 0, "limit": 1}
        for name, smallest in least.items():
            at_least(name, getattr(self, name), smallest)
        if self.goals > GOALS_OF_A_SPLIT:
            raise ConfigurationError(f"A split has at most {GOALS_OF_A_SPLIT:,} goals; got {self.goals:,}.")
        if not 0 <= self.noise < float("inf"):
            raise ConfigurationError(f"noise is a standard deviation from 0; got {self.noise}.")
        if self.limit + self.after > HORIZON:
            raise ConfigurationError(
                f"An episode has at most {HORIZON} steps; got limit={self.limit} and after={self.after}."
            )
        if self.split not in SPLITS:
            raise ConfigurationError(f"There is no split {self.split!r}; there are {', '.join(SPLITS)}.")

    def number(self, goal: int) -> int:
        """A goal's number among those of all splits: each split has a range of its own."""
        return SPLITS.index(self.split) * GOALS_OF_A_SPLIT + goal
