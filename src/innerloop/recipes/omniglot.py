"""Omniglot: protocol A, 5-way 1-shot, and protocol B, 20-way 1-shot within an alphabet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from innerloop.catalogue import family_of
from innerloop.recipes._methods import of_papers
from innerloop.recipes._picture_recipe import PictureRecipe

if TYPE_CHECKING:
    from innerloop.sources import Pictures, Splits


@dataclass(frozen=True)
class OmniglotRecipe(PictureRecipe):
    """Handwritten characters."""

    data: str | None = None
    """Folder with images_background.zip and images_evaluation.zip; None: $INNERLOOP_DATA/omniglot."""
    protocol: Literal["A", "B"] = "A"
    """A: classes across alphabets with rotations; B: within an alphabet."""
    download: bool = False
    """Fetch the archives (14 MB) if they are not there."""
    augment: bool = False
    """In B: quarter turns as training classes of their own, and training drawings bent anew each time."""
    centre: bool = False
    """Move all drawings so that their ink is in the middle."""

    def pictures(self) -> Pictures:
        """As Omniglot's drawings."""
        return dataclasses.replace(super().pictures(), centre=self.centre)

    def _source(self) -> Splits:
        from innerloop.sources import Omniglot

        return Omniglot(
            self.data,
            self.protocol,
            ways=self.ways,
            shots=self.shots,
            queries=self.queries,
            download=self.download,
            augment=self.augment,
            centre=self.centre,
        )


_OWN: dict[str, dict[str, Any]] = {
    # Nichol et al. 2018, table 4: more shots in training (10), 5 tasks a step, 5 inner and 50 evaluation steps; there
    # with Adam inside, here with SGD at a rate of our own
    "reptile": {
        "train_shots": 10,
        "train_queries": 1,
        "inner_steps": 5,
        "test_steps": 20,
        "inner_lr": 0.05,
        "tasks_per_step": 5,
    },
    # Li et al. 2017, section 4.2: rates start in [0.005, 0.1]
    "meta_sgd": {"inner_lr": 0.1},
    # Antoniou et al. 2019, section 5: rates from 0.1, 8 tasks
    "maml_plus_plus": {"inner_lr": 0.1, "tasks_per_step": 8},
    # Rajeswaran et al. 2019, appendix: steps at 0.1, 32 tasks; 8 tasks here for time
    "imaml": {"inner_lr": 0.1, "tasks_per_step": 8},
    # Triantafillou et al. 2020, appendix C: rates around 0.01
    "proto_maml": {"inner_lr": 0.01, "inner_steps": 5, "test_steps": 5},
    # 5 steps, for time, where Ravi and Larochelle 2017 have 12 for one shot
    "lstm": {"inner_lr": 0.1, "tasks_per_step": 8},
    # Snell et al. 2017, section 3.1: 60 ways in training, more than in the test
    "prototypes": {"train_ways": 60},
    # Vinyals et al. 2016, section 3: trained as it is tested; 12 tasks have as many pictures as one of 60 ways
    "matching": {"tasks_per_step": 12},
    # the published code of Sung et al. 2018: Adam at 1e-3, clipped at 0.5; one task of 19 queries there, 4 of 5 here
    "relation": {"tasks_per_step": 4, "lr": 1e-3, "clip": 0.5},
    # Bertinetto et al. 2019 have 60 ways in training; fewer ways and weights that decay are better within the time of
    # this recipe (results/omniglot_attempts.json)
    "ridge": {"train_ways": 20, "tasks_per_step": 3, "weight_decay": 0.1},
    # Lee et al. 2019, section 4.1, have as many ways as in the test, more shots and 8 tasks, not on Omniglot; one shot
    # of more ways is better here (results/omniglot_attempts.json)
    "svm": {"train_ways": 20, "tasks_per_step": 2},
    # smaller steps, more of them: a choice (results/omniglot_attempts.json)
    "in_context": {"tasks_per_step": 4},
    "unicorn_maml": {"tasks_per_step": 8},  # as the others with as many inner steps
    # Chen et al. 2021 train as they test, with four tasks a step
    "meta_baseline": {"tasks_per_step": 4},
}
"""What differs from MAML's setting, besides what is the papers' for all data, by method."""


_B: dict[str, Any] = {
    # Lake et al. 2015: one drawing of each of 20 characters, one item of each to name
    "protocol": "B",
    "ways": 20,
    "shots": 1,
    "queries": 1,
    # max-pooling as in Snell et al. 2017, who have 64 filters too
    "downsample": "pool",
    # the 30 background alphabets are few: turned and bent drawings are more, a choice
    "augment": True,
    # what one drawing cannot show is taken away: where on the sheet it is (results/omniglot_attempts.json)
    "centre": True,
}
"""What differs in protocol B, for every method."""

# Finn et al. 2017, appendix A.1, 20-way: 5 steps at 0.1, 16 tasks; 4 here for time
_FINN_20: dict[str, Any] = {"inner_steps": 5, "test_steps": 5, "inner_lr": 0.1, "tasks_per_step": 4}
_OWN_B: dict[str, dict[str, Any]] = {
    # trained as tested: an alphabet has no more classes to offer
    **{method: {"train_ways": None, "tasks_per_step": 2} for method in ("prototypes", "ridge", "svm")},
    **{method: {"tasks_per_step": 2} for method in ("matching", "relation")},
    **{method: {"tasks_per_step": 4} for method in ("mann", "snail", "in_context")},
    "maml": _FINN_20,
    "fomaml": _FINN_20,
    "anil": _FINN_20,
    "boil": _FINN_20,
}


def omniglot(method: str = "maml", protocol: str = "A") -> OmniglotRecipe:
    """Protocol A is MAML's setting: strided Conv-4 with 64 filters, 1 inner step at 0.4, 32 tasks a step.

    Source: Finn et al. 2017, appendix A.1. Different here: 5 query examples per class in training, a cosine schedule
    from 3e-3 instead of a constant 1e-3, and 8,000 steps instead of 60,000, so that a run ends within 45 minutes on
    two cores.

    Protocol B has 20 ways within an alphabet, max-pooling, and turned and bent training drawings.
    """
    family = family_of(method)
    inner_loop = family == "gradient"
    base = OmniglotRecipe(
        recipe="omniglot",
        method=method,
        ways=5,
        shots=1,
        queries=15,
        train_queries=5,
        filters=64,
        inner_steps=1,
        test_steps=3,
        inner_lr=0.4,
        norm="batch" if inner_loop else "running",
        steps=8_000,
        tasks_per_step=32 if inner_loop else 16 if family == "memory" else 1,
        lr=1e-3 if family == "memory" else 3e-3,  # 3e-3 is high for recurrences and attention: a choice
        schedule="cosine",
        validate_every=1_000,
        validation_tasks=300,
    )
    own = of_papers(method, "classes") | _OWN.get(method, {})
    if protocol == "B":
        own = own | _B | _OWN_B.get(method, {})
    return dataclasses.replace(base, **own)
