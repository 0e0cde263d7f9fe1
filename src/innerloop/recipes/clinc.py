"""CLINC150: few-shot intents of domains never seen in training."""

from __future__ import annotations

from innerloop.recipes._recipe import ClincRecipe
from innerloop.recipes.text import settings


def clinc(method: str = "maml") -> ClincRecipe:
    """Six domains to train on, two to validate, two to test: 5 ways, 1 shot, hashed n-grams, a hidden layer of 1,024.

    The numbers are those of the recipe `text`, a choice.
    """
    return ClincRecipe(recipe="clinc", queries=15, **settings(method))
