"""Every recommender by name, as tables have them: what is learned on users as tasks, and its opponents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from innerloop.recommend._features import Features
from innerloop.recommend._opponents import OPPONENTS
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._setting import Kind, Setting


def _entry(
    kind: Kind, name: str | None = None, ranking: dict[str, Any] | None = None, **defaults: Any
) -> Callable[..., Personalised]:
    """A function that makes a recommender of a kind; its keywords are those of `Setting`, and features."""

    def make(
        *, item_features: Features | None = None, user_features: Features | None = None, progress: bool = False,
        **changes: Any,
    ) -> Personalised:  # fmt: skip
        usual = {**defaults, **(ranking or {})} if changes.get("goal") == "ranking" else defaults
        setting = Setting(kind, **{**usual, **changes})
        return Personalised(
            setting, item_features=item_features, user_features=user_features, name=name, progress=progress
        )

    return make


_RANKING: dict[str, Any] = {"factors": 64, "lr": 1e-3, "queries": 10, "tasks_per_step": 16}
"""A few trials on the same users; a ranking has 51 candidates for each event, so fewer events have to do in a step."""

LEARNED: dict[str, Callable[..., Personalised]] = {
    "maml": _entry("maml", ranking=_RANKING),
    "fomaml": _entry("fomaml", ranking=_RANKING),
    "anil": _entry("anil", ranking=_RANKING),
    "meta_sgd": _entry("meta_sgd", ranking=_RANKING),
    "cavia": _entry("cavia", ranking={**_RANKING, "inner_lr": 2.0}, stretch=1.0, inner_lr=1.0, lr=3e-3),
    # Lee et al. 2019, published code: one step at 5e-6 on a head of 64 and 64; not shrunk there
    "melu": _entry(
        "maml", "MAML with MeLU's steps", _RANKING, hidden=(64, 64), inner_steps=1, inner_lr=5e-6, shrinkage=0.0
    ),
    "learned_ridge": _entry("ridge", ranking=_RANKING, stretch=1.0, lr=3e-3, factors=64, weight_decay=1e-3),
    "learned_bias": _entry("bias", factors=0),
    "attention": _entry("attention", ranking=_RANKING, stretch=1.0),
    "global": _entry("global", ranking=_RANKING),
    "fine_tuned": _entry("fine_tuned", ranking=_RANKING),
}
"""What is trained by gradients on users as tasks, and the same network without."""

RECOMMENDERS: dict[str, Callable[..., Recommender]] = {**LEARNED, **OPPONENTS}
"""Every recommender by name; keywords are features, the seed, and of what is learned the fields of its `Setting`."""
