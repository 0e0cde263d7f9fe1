"""Characters: 5-way 1-shot on scripts never seen in training, in a minute or two of one core a learner."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from innerloop.catalogue import family_of
from innerloop.recipes._methods import of_papers
from innerloop.recipes._picture_recipe import PictureRecipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class CharactersRecipe(PictureRecipe):
    """Letters of the world's scripts, embedded: no download."""

    def _source(self) -> Splits:
        from innerloop.sources import Characters

        return Characters(ways=self.ways, shots=self.shots, queries=self.queries)


_STEPS = {
    # outer steps that take about the same time of one core; the seconds are in results/demo.json
    "maml": 2_000,
    "fomaml": 2_900,
    "anil": 3_000,
    "reptile": 1_500,
    "prototypes": 3_000,
    "pretraining": 3_000,
    # not timed for the demo: by the time of a step beside that of prototypes
    "matching": 2_500,
    "relation": 1_300,
    "ridge": 3_000,
    "svm": 1_800,
    "simple_shot": 3_000,
}

_OWN: dict[str, dict[str, Any]] = {
    # a choice: small steps, of which more than one is needed, and five shots for them
    "reptile": {"shots": 5, "inner_steps": 5, "test_steps": 10, "inner_lr": 0.05},
    # Lee et al. 2019, section 4.1: more shots in training than in the test; 15 and 5 there, depending on the data
    "svm": {"train_shots": 5},
}
"""What differs from the papers, by method."""

_AS_MAML = ("imaml", "maml_plus_plus", "lstm")
"""Methods with MAML's inner steps, for the time: more of them are for Omniglot."""


def characters(method: str = "maml") -> CharactersRecipe:
    """The recipe of the demo.

    32 filters, Adam from 3e-3, 4 tasks a step and 1 inner step at 0.4 in training with 3 at test are a choice for two
    minutes of one core, not the outcome of a search. 5 queries per class in training make a step cheaper than the
    test's 15.
    """
    family = family_of(method)
    gradient = family == "gradient"
    base = CharactersRecipe(
        recipe="characters",
        method=method,
        ways=5,
        shots=1,
        queries=15,
        train_queries=5,
        filters=32,
        inner_steps=1 if gradient else 5,
        test_steps=3 if gradient else 10,
        inner_lr=0.4,  # Finn et al. 2017, Omniglot 5-way
        norm="batch" if gradient else "running",
        steps=_STEPS.get(method, 2_000),
        tasks_per_step=4,
        lr=1e-3 if family == "memory" else 3e-3,  # 3e-3 is high for recurrences and attention: a choice
        schedule="cosine",
    )
    own = of_papers(method, "classes", but=_AS_MAML) | _OWN.get(method, {})
    return dataclasses.replace(base, **own)
