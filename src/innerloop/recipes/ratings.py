"""Personalised recommendation: a user's first ratings, and what they rate later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from innerloop.errors import ConfigurationError
from innerloop.recipes._recipe import Recipe
from innerloop.user_settings import Setting, setting_of

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class RatingsRecipe(Recipe):
    """Personalised recommendation: a user is a task. Simulated users, embedded; or your own table with --data."""

    data: str | None = None
    """Folder of MovieLens, or a table of users, items and ratings; None: simulated users."""
    items: str | None = None
    """A table with a row for each item, beside the table of --data: titles, and features."""
    goal: Literal["ratings", "ranking"] = "ratings"
    """Predict ratings, or rank what a user has done before what they have not."""
    factors: int = Setting.factors
    """Length of an item's vector."""
    stretch: float = Setting.stretch
    """What the factors that training starts from are multiplied by."""
    hidden: tuple[int, ...] = Setting.hidden
    """Widths of the hidden layers of a head that adapts."""
    hide: float = Setting.hide
    """Share of items whose identity a training task hides, so that features learn to stand for it."""
    negatives: int = Setting.negatives
    """Items beside each event, in rankings."""

    def _source(self) -> Splits:
        raise ConfigurationError(
            "Runs of `ratings` are recommenders: use `innerloop recommend RUN --events FILE.csv`, and "
            "innerloop.recommend in Python."
        )


RECOMMENDERS = {
    "maml": "maml", "fomaml": "fomaml", "anil": "anil", "meta_sgd": "meta_sgd", "cavia": "cavia",
    "ridge": "learned_ridge", "in_context": "attention",
}  # fmt: skip
"""What the methods are called in `innerloop.recommend.RECOMMENDERS`; users are learned by these."""

_CALLED = {"train_queries": "queries"} | {
    name: name for name in (
        "factors", "stretch", "hidden", "hide", "negatives", "inner_steps", "inner_lr", "steps", "lr", "tasks_per_step",
        "weight_decay", "validate_every", "patience", "seed",
    )
}  # fmt: skip
"""Fields of the recipe, and what they are called in a `Setting`; the others of it go by the method's name alone."""


def ratings(method: str = "maml", goal: Literal["ratings", "ranking"] = "ratings") -> RatingsRecipe:
    """Ten ratings of a user, and the settings that the method has in `innerloop.user_settings`.

    Source: a head that adapts on embeddings that do not is that of Lee et al. 2019, "MeLU"; the numbers are a choice.
    """
    usual = setting_of(RECOMMENDERS.get(method, "maml"), goal)
    own: dict[str, Any] = {name: getattr(usual, called) for name, called in _CALLED.items()}
    return RatingsRecipe(
        recipe="ratings", method=method, goal=goal, shots=10, test_steps=usual.inner_steps, schedule="cosine", **own
    )


def setting_of_recipe(recipe: RatingsRecipe) -> Setting:
    """The setting of a recipe whose method learns users."""
    changes = {called: getattr(recipe, name) for name, called in _CALLED.items() if getattr(recipe, name) is not None}
    return setting_of(RECOMMENDERS[recipe.method], recipe.goal, **changes)
