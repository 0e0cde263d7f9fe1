"""Personalised recommendation: a user's first ratings, and what they rate later."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from innerloop.recipes._recipe import Recipe


@dataclass(frozen=True)
class RatingsRecipe(Recipe):
    """Personalised recommendation: a user is a task. Simulated users, embedded; or your own table with --data."""

    data: str | None = None
    """Folder of MovieLens, or a table of users, items and ratings; None: simulated users."""
    items: str | None = None
    """A table with a row for each item, beside the table of --data: titles, and features."""
    goal: Literal["ratings", "ranking"] = "ratings"
    """Predict ratings, or rank what a user has done before what they have not."""
    factors: int = 32
    """Length of an item's vector."""
    stretch: float = 4.0
    """What the factors that training starts from are multiplied by."""
    hidden: tuple[int, ...] = (32,)
    """Widths of the hidden layers of a head that adapts."""
    hide: float = 0.3
    """Share of items whose identity a training task hides, so that features learn to stand for it."""
    negatives: int = 50
    """Items that a user never met beside each of their events, in rankings."""


RECOMMENDERS = {
    "maml": "maml", "fomaml": "fomaml", "anil": "anil", "meta_sgd": "meta_sgd", "cavia": "cavia",
    "ridge": "learned_ridge", "in_context": "attention",
}  # fmt: skip
"""What the methods are called in `innerloop.recommend.RECOMMENDERS`; users are learned by these."""

_OWN: dict[str, dict[str, Any]] = {
    "cavia": {"stretch": 1.0, "inner_lr": 1.0, "lr": 3e-3},
    "ridge": {"stretch": 1.0, "lr": 3e-3, "factors": 64, "weight_decay": 1e-3},
    "in_context": {"stretch": 1.0},
}
"""What differs from MAML's setting, by method; as in `innerloop.recommend.RECOMMENDERS`."""


_RANKING: dict[str, Any] = {"factors": 64, "lr": 1e-3, "train_queries": 10, "tasks_per_step": 16}
"""What differs in rankings."""


def ratings(method: str = "maml", goal: Literal["ratings", "ranking"] = "ratings") -> RatingsRecipe:
    """Ten ratings of a user, five inner steps on a small head, tasks of 1 to 20 ratings in training.

    Source: a head that adapts on embeddings that do not is that of Lee et al. 2019, "MeLU"; the numbers are those of
    about thirty short trials on half of the validation users of MovieLens small.
    """
    base = RatingsRecipe(
        recipe="ratings",
        method=method,
        shots=10,
        train_queries=20,
        inner_steps=5,
        test_steps=5,
        inner_lr=0.06,
        steps=1_500,
        validate_every=25,
        patience=8,
        tasks_per_step=32,
        lr=1e-3,
        weight_decay=3e-4,
        schedule="cosine",
    )
    ranking = {}
    if goal == "ranking":
        ranking = _RANKING | ({"inner_lr": 2.0} if method == "cavia" else {})
    return dataclasses.replace(base, **{**_OWN.get(method, {}), **ranking, "goal": goal})
