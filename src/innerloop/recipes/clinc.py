"""CLINC150: few-shot intents of domains never seen in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from innerloop.recipes._recipe import ClassRecipe
from innerloop.recipes.text import settings

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class ClincRecipe(ClassRecipe):
    """CLINC150: intents of short requests, the test on domains never seen in training."""

    data: str | None = None
    """Folder with data_full.json and domains.json; None: $INNERLOOP_DATA/clinc150."""
    within_domains: bool = False
    """Draw all intents of a task from one domain."""
    dimensions: int = 2_048
    """Length of a text's vector of hashed n-grams."""
    hidden: tuple[int, ...] = (1_024,)
    """Widths of the hidden layers."""

    def _source(self) -> Splits:
        from innerloop.sources import Clinc150

        return Clinc150(
            self.data,
            ways=self.ways,
            shots=self.shots,
            queries=self.queries,
            within_domains=self.within_domains,
            dimensions=self.dimensions,
        )


def clinc(method: str = "maml") -> ClincRecipe:
    """Six domains to train on, two to validate, two to test: 5 ways, 1 shot, hashed n-grams, a hidden layer of 1,024.

    The numbers are those of the recipe `text`, a choice.
    """
    return ClincRecipe(recipe="clinc", queries=15, **settings(method))
