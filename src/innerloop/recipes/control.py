"""Robot control: reach a hidden place, or push something there, after one demonstration."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from innerloop.catalogue import family_of
from innerloop.recipes._checked import AtLeast
from innerloop.recipes._recipe import Recipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class ControlRecipe(Recipe):
    """Robot control from demonstrations, on a task of Meta-World whose goal is hidden. Needs the extra `control`."""

    task: str = "reach"
    """Task of Meta-World: reach, push, pick-place, door-open, ..."""
    train_goals: int = 150
    """Goals to train on."""
    validation_goals: int = 20
    """Goals to validate on."""
    test_goals: int = 50
    """Goals to measure on."""
    demonstrations: Annotated[int, AtLeast(2)] = 4
    """Demonstrations of each goal, from which support and query are drawn; of a goal of validation and test more, where
    --over-shots asks for them."""
    noise: Annotated[float, AtLeast(0)] = 0.3
    """Standard deviation of what is added to each executed action of a demonstration."""
    rollouts: int = 2
    """Episodes for each goal."""
    over_shots: tuple[int, ...] = (1, 2, 5)
    """Numbers of demonstrations that the page shows the success after."""
    limit: int = 200
    """Most steps of an episode; Meta-World's own protocol has 500."""
    hidden: tuple[int, ...] = (100, 100)
    """Widths of the hidden layers."""
    bias: int = 10
    """Length of the learned vector beside the input."""

    def _source(self) -> Splits:
        from innerloop.control import Demonstrations  # an application: loaded by those who want it

        shown = max(self.demonstrations, self.queries + max(self.over_shots, default=0))
        return Demonstrations(
            self.task,
            shots=self.shots,
            queries=self.queries,
            goals=(self.train_goals, self.validation_goals, self.test_goals),
            demonstrations=(self.demonstrations, shown, shown),
            noise=self.noise,
        )


_OWN: dict[str, dict[str, Any]] = {
    "reptile": {"inner_steps": 5, "test_steps": 5},  # as in other recipes: one step would be joint training
    "imaml": {"inner_steps": 16, "test_steps": 16},  # Rajeswaran et al. 2019, as for Omniglot
    "cavia": {"inner_lr": 1.0},  # Zintgraf et al. 2019, section 4.1
}
"""What differs from MAML's setting, by method."""


def reach(method: str = "maml") -> ControlRecipe:
    """One demonstration of a place to reach, one inner step, 150 training goals with four demonstrations each.

    Source: policies of two hidden layers of 100 with a learned vector of 10 and one inner step are those of Finn et al.
    2017, "One-shot visual imitation learning via meta-learning". The inner rate of 0.1, 150 goals and 16 tasks a step
    are a choice, and no search's.
    """
    return _recipe("reach", method)


def push(method: str = "maml") -> ControlRecipe:
    """One demonstration of where to push a puck; as `reach` otherwise, with more steps.

    Source: as of `reach`. 1,500 steps are a choice: pushing is harder than reaching.
    """
    return _recipe("push", method, steps=1_500)


def _recipe(task: str, method: str, **more: Any) -> ControlRecipe:
    base = ControlRecipe(
        recipe=task,
        method=method,
        task=task,
        shots=1,
        queries=1,
        train_queries=1,
        inner_steps=1,
        test_steps=1,
        inner_lr=0.1,
        steps=1_000,
        tasks_per_step=16,
        lr=1e-3,
        validation_tasks=20,
        test_tasks=50,
    )
    # transformers and the like read every step of the demonstrations: a choice for the time
    slow = {"steps": 500} if family_of(method) == "memory" and method != "cnp" else {}
    return dataclasses.replace(base, **{**more, **slow, **_OWN.get(method, {})})
