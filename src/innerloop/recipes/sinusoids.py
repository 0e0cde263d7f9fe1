"""Sinusoids: MAML's first experiment."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from innerloop.catalogue import family_of
from innerloop.recipes._methods import of_papers
from innerloop.recipes._recipe import Recipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class SinusoidsRecipe(Recipe):
    """Sinusoid regression, MAML's first experiment."""

    train_tasks: int | None = None
    """Different curves to train on; None: no end of them."""
    hidden: tuple[int, ...] = (40, 40)
    """Widths of the hidden layers."""

    def _source(self) -> Splits:
        from innerloop.sources import Sinusoids

        return Sinusoids(shots=self.shots, queries=self.queries)


_OWN: dict[str, dict[str, Any]] = {
    "reptile": {"inner_steps": 5, "test_steps": 5},
    # its gradient is that of 16 steps and noisier; Adam's usual rate in place of this recipe's
    "imaml": {"lr": 1e-3},
    # Adam moves a learned rate by about its outer rate in every step, however small the rate is: at the network's outer
    # rate, as Antoniou et al. 2019 have it, five steps on these curves leave the range where they hold. A choice
    "maml_plus_plus": {"lr": 3e-3, "rates_lr": 3e-5},
}
"""What differs from MAML's setting, besides what is the papers' for all data, by method."""


def sinusoids(method: str = "maml") -> SinusoidsRecipe:
    """K = 10, one inner step, 25 tasks a step, two hidden layers of 40.

    Source: Finn et al. 2017, section 5.1 and its published code (inner rate 0.01, Adam at 1e-3, meta-batch 25, 70,000
    steps). Different here: inner rate 0.02 and a cosine schedule from 6e-3 over 50,000 steps: picked after a few
    short runs, not by a search.
    """
    memory = family_of(method) == "memory"
    base = SinusoidsRecipe(
        recipe="sinusoids",
        method=method,
        shots=10,
        queries=10,
        train_queries=10,
        inner_steps=1,
        test_steps=1,
        inner_lr=0.02,
        # a choice for the memory family, whose recurrences and attention want a smaller rate and take longer
        steps=10_000 if memory else 50_000,
        tasks_per_step=25,
        lr=1e-3 if memory else 6e-3,
        schedule="cosine",
        validation_tasks=600,  # tasks of the paper's own evaluation
    )
    return dataclasses.replace(base, **of_papers(method, "numbers") | _OWN.get(method, {}))
