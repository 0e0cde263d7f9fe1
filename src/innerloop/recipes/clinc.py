"""CLINC150: few-shot intents of domains never seen in training."""

from __future__ import annotations

import dataclasses

from innerloop.catalogue import family_of
from innerloop.recipes._recipe import ClincRecipe
from innerloop.recipes.text import GRADIENT, PRETRAINED


def clinc(method: str = "maml") -> ClincRecipe:
    """Six domains to train on, two to validate, two to test: 5 ways, 1 shot, hashed n-grams, a hidden layer of 1,024.

    The numbers are those of the recipe `text`, a choice.
    """
    base = ClincRecipe(
        recipe="clinc",
        method=method,
        ways=5,
        shots=1,
        queries=15,
        train_queries=5,
        norm="running",
        steps=1_000,
        tasks_per_step=4,
        lr=1e-4,
        schedule="cosine",
        validate_every=100,
        patience=5,
    )
    own = GRADIENT if family_of(method) == "gradient" else PRETRAINED.get(method, {})
    return dataclasses.replace(base, **own)
