"""A course: episodes, adaptation on them, episodes of the adapted policies, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.rl._advantages import advantages
from innerloop.rl._collect import collect
from innerloop.rl._environments import Environments, episode_keys
from innerloop.rl._policies import Policies
from innerloop.rl._trajectories import Trajectories
from innerloop.task import Examples


@dataclass(frozen=True)
class Sampling:
    """How episodes are drawn and valued.

    Args:
        episodes: of each task, before and again after each adaptation.
        discount: γ of the advantages.
        trace: λ of the advantages.

    Raises:
        ConfigurationError: for values that cannot be.
    """

    episodes: int = 8
    discount: float = 0.99
    trace: float = 1.0

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ConfigurationError(f"A task needs at least 1 episode; got episodes={self.episodes}.")
        for name in ("discount", "trace"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} must be between 0 and 1; got {getattr(self, name)}.")


class Round(NamedTuple):
    """One round of a course.

    Attributes:
        episodes: what happened.
        examples: the same as a batch of examples, with advantages; None where nobody adapts by gradients.
    """

    episodes: Trajectories
    examples: Examples | None


class When(NamedTuple):
    """Names the random numbers of a course.

    Attributes:
        seed: of the run.
        step: outer step, or another number.
    """

    seed: int
    step: int


class Courses(Protocol):
    """What can be trained by `innerloop.rl.train` and judged by `evaluate_policy`."""

    name: str

    def course(
        self, environments: Environments, indices: Tensor, when: When, rounds: int, sampling: Sampling
    ) -> Iterator[Round]:
        """Rounds 0, ..., `rounds` of a course: what was learned before round `k` comes from the `k` before it."""


@torch.no_grad()
def gradient_course(
    policies: Policies, environments: Environments, indices: Tensor, when: When, rounds: int, sampling: Sampling
) -> Iterator[Round]:
    """A course in which policies adapt by gradient steps on the episodes of the round before.

    Args:
        policies: where it starts.
        environments: a split of a family.
        indices: `(T,)` numbers of the tasks.
        when: names the random numbers.
        rounds: how often to adapt.
        sampling: how episodes are drawn and valued.
    """
    for number in range(rounds + 1):
        keys = episode_keys(*when, number, indices, sampling.episodes)
        found = collect(policies, environments, indices, keys)
        examples = found.examples(advantages(found, sampling.discount, sampling.trace))
        yield Round(found, examples)
        if number < rounds:
            policies = policies.adapted(examples)
