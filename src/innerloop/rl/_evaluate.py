"""Returns on fixed tasks, after 0, 1, ... rounds of adaptation, beside those who learn nothing or know everything."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.evaluation import Interval, interval
from innerloop.rl._course import Courses, Sampling, When
from innerloop.rl._environments import Environments
from innerloop.rl._tensor_environments import TensorEnvironments

Values = np.ndarray[Any, np.dtype[np.float64]]

ARRAYS = ("values", "still", "oracle", "success")
EVALUATION = -1
"""The "outer step" of episodes that judge: no training step has them."""


@dataclass(frozen=True, eq=False)
class Returns:
    """What a learner earns on a fixed list of tasks.

    Attributes:
        name: the learner.
        values: `(R + 1, T)` mean return of each task's episodes after 0, ..., R rounds of adaptation.
        still: `(T,)` expected return of the trivial policy.
        oracle: `(T,)` expected return of whoever knows the task; None where nobody can say.
        source: what the tasks are (`Environments.describe()`).
        first: number of the first task; the others follow.
        episodes: in each round.
        environment_steps: that it took, in all tasks.
        seconds: wall time.
        success: `(R + 1, T)` share of each task's episodes whose goal was reached; None where environments do not say.
    """

    name: str
    values: Values
    still: Values
    oracle: Values | None
    source: dict[str, Any]
    first: int
    episodes: int
    environment_steps: int
    seconds: float
    success: Values | None = None

    @property
    def success_curve(self) -> list[Interval] | None:
        """Mean share of episodes that reached the goal, and its 95 % interval, after 0, 1, ... rounds."""
        return None if self.success is None else [interval(values) for values in self.success]

    @property
    def curve(self) -> list[Interval]:
        """Mean return and its 95 % interval over tasks, after 0, 1, ... rounds."""
        return [interval(values) for values in self.values]

    @property
    def regret(self) -> list[Interval] | None:
        """Mean regret and its 95 % interval over tasks, after 0, 1, ... rounds; None where nobody knows the best.

        regret = return of whoever knows the task - return,  task by task
        """
        return None if self.oracle is None else [interval(self.oracle - values) for values in self.values]

    def __str__(self) -> str:
        rows = [(f"after {k} round{'' if k == 1 else 's'}", found) for k, found in enumerate(self.curve)]
        rows.append(("trivial policy", interval(self.still)))
        if self.oracle is not None:
            rows.append(("oracle", interval(self.oracle)))
        if (regret := self.regret) is not None:
            rows.append(("regret in the end", regret[-1]))
        reached = ""
        if (success := self.success_curve) is not None:
            reached = "; success " + " -> ".join(f"{100 * mean:.1f} ± {100 * half:.1f} %" for mean, half in success)
        said = ", ".join(f"{name} {mean:.4g} ± {half:.2g}" for name, (mean, half) in rows)
        return (
            f"{self.name}: return {said} (95 % intervals over {self.values.shape[1]:,} {self.source['split']} tasks of "
            f"{self.source['name']}, {self.episodes} episodes a round{reached})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, complete."""

        def rounded(values: Values) -> list[Any]:
            return np.round(values, 4).tolist()  # type: ignore[no-any-return]

        def pairs(found: list[Interval]) -> list[list[float | None]]:
            # one task has no interval, and JSON no infinity
            return [[mean, half if math.isfinite(half) else None] for mean, half in found]

        return {
            **{name: value for name, value in vars(self).items() if name not in ARRAYS},
            "curve": pairs(self.curve),
            "regret": None if (regret := self.regret) is None else pairs(regret),
            "values": rounded(self.values),
            "still": rounded(self.still),
            "oracle": None if self.oracle is None else rounded(self.oracle),
            **({} if self.success is None else {"success": rounded(self.success)}),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Returns:
        """What `to_json` gave; intervals are computed again.

        Raises:
            KeyError, TypeError, ValueError: if something is missing or of another type.
        """

        def array(name: str) -> Values:
            return np.asarray(value[name], dtype=float)

        plain = {field.name: value[field.name] for field in fields(cls) if field.name not in ARRAYS}
        oracle, success = (None if value.get(name) is None else array(name) for name in ("oracle", "success"))
        found = cls(**plain, values=array("values"), still=array("still"), oracle=oracle, success=success)
        odd = success is not None and success.shape != found.values.shape
        if found.values.ndim != 2 or found.still.shape != found.values.shape[1:] or odd:
            raise ValueError(f"values of shape {found.values.shape} for {found.still.shape} tasks")
        return found


@torch.no_grad()
def evaluate_policy(
    learner: Courses,
    environments: Environments,
    tasks: int = 40,
    *,
    rounds: int = 1,
    sampling: Sampling | None = None,
    seed: int = 0,
    first: int = 0,
) -> Returns:
    """Lets a learner adapt to fixed tasks, and says what it earns after each round.

    Every round has new episodes; those of round `k` are judged as the return after `k` rounds, and are what round
    `k + 1` adapts on. The same tasks, seed and sampling give the same random numbers to every learner.

    Args:
        learner: a `PolicyLearner`, or another that has a `course`.
        environments: the split to look at.
        tasks: how many.
        rounds: how often to adapt. A gradient learner takes its inner steps in each.
        sampling: how episodes are drawn and valued; None: as `Sampling` has it.
        seed: of the episodes.
        first: number of the first task.

    Raises:
        ConfigurationError: for fewer than one task.

    >>> from innerloop.rl import Navigation, maml_policy, policy_for
    >>> goals = Navigation(horizon=5)
    >>> evaluate_policy(maml_policy(policy_for(goals.test)), goals.test, tasks=4).values.shape
    (2, 4)
    """
    if tasks < 1 or rounds < 0:
        raise ConfigurationError(f"Expected at least 1 task and 0 rounds; got tasks={tasks}, rounds={rounds}.")
    environments.demand(first + tasks)
    start = time.perf_counter()
    sampling = sampling or Sampling()
    indices = torch.arange(first, first + tasks)
    values, success, steps = [], [], 0
    with _evaluating(learner):
        for done in learner.course(environments, indices, When(seed, EVALUATION), rounds, sampling):
            values.append(done.episodes.returns.double().mean(1).numpy())
            steps += done.episodes.steps
            if done.episodes.success is not None:
                success.append(done.episodes.success.double().mean(1).numpy())
    oracle = environments.oracle(indices) if isinstance(environments, TensorEnvironments) else None
    return Returns(
        name=learner.name,
        values=np.stack(values),
        still=_numbers(environments.still(indices)),
        oracle=None if oracle is None else _numbers(oracle),
        source=environments.describe(),
        first=first,
        episodes=sampling.episodes,
        environment_steps=steps,
        seconds=round(time.perf_counter() - start, 3),
        success=np.stack(success) if success else None,
    )


@contextmanager
def _evaluating(learner: object) -> Iterator[None]:
    """A module is in `eval()` while it is judged, and afterwards as before; a rule has no such thing."""
    training = isinstance(learner, nn.Module) and learner.training
    if isinstance(learner, nn.Module):
        learner.eval()
    try:
        yield
    finally:
        if isinstance(learner, nn.Module):
            learner.train(training)


def _numbers(values: Tensor) -> Values:
    found: Values = values.double().numpy()
    return found
