"""Curves from Gaussian processes: the best prediction is known, and so is what a learner loses against it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from innerloop.recipes._checked import AtLeast
from innerloop.recipes._methods import of_papers
from innerloop.recipes._recipe import Recipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class CurvesRecipe(Recipe):
    """Curves from Gaussian processes, the test bed of neural processes."""

    kernel: Literal["rbf", "matern", "periodic"] = "rbf"
    """Covariance of the curves."""
    protocol: Literal["fixed", "tnp"] = "fixed"
    """fixed: length 0.4, scale 1, noise 0.1; tnp: all but the noise of 0.02 is drawn anew in every task."""
    points: Annotated[int | None, AtLeast(7)] = 50
    """Most points of a training task, divided at random into support and query; None: as in evaluation."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of the network (of the embedding, where a method has layers of its own)."""

    def _source(self) -> Splits:
        from innerloop.sources import GPCurves

        made = GPCurves.tnp if self.protocol == "tnp" else GPCurves
        return made(self.kernel, self.shots, self.queries)


_OWN: dict[str, dict[str, Any]] = {
    "reptile": {"test_steps": 10},
    # choices for the time: a step of these takes several times as long
    "mann": {"steps": 3_000, "points": 20},
    "snail": {"steps": 3_000, "points": 20},
    "in_context": {"steps": 3_000},
}
"""What differs, besides what is the papers' for all data, by method."""


def curves(method: str = "maml") -> CurvesRecipe:
    """10 support and 20 query points; training tasks have up to 50 points, divided at random.

    Source: x in [-2, 2], up to 50 points, 16 tasks a step and Adam at 5e-4 are those of transformer neural processes
    (Nguyen and Grover 2022, published code, 100,000 steps). Different here: a cosine schedule from 1e-3 over 8,000
    steps, for minutes of one core.
    """
    base = CurvesRecipe(
        recipe="curves",
        method=method,
        shots=10,
        queries=20,
        train_queries=20,
        # one gradient step on a network is little for a curve with several bends: 5, as Antoniou et al. 2019
        inner_steps=5,
        test_steps=5,
        inner_lr=0.02,  # the sinusoids'
        steps=8_000,
        tasks_per_step=16,
        lr=1e-3,
        schedule="cosine",
        validation_tasks=200,
    )
    return dataclasses.replace(base, **of_papers(method, "numbers") | _OWN.get(method, {}))
