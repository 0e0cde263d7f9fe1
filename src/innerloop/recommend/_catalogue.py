"""Every recommender by name, as tables have them: what is learned on users as tasks, and its opponents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from innerloop import user_settings
from innerloop.recommend._features import Features
from innerloop.recommend._opponents import OPPONENTS
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._recommender import Recommender

_CALLED = {"melu": "MAML with MeLU's steps"}
"""What tables call one that is not called after its learner."""


def _entry(name: str) -> Callable[..., Personalised]:
    """A function that makes a recommender; its keywords are those of `Setting`, and of `Personalised`."""

    def make(
        *, item_features: Features | None = None, user_features: Features | None = None, progress: bool = False,
        metric: str | None = None, **changes: Any,
    ) -> Personalised:  # fmt: skip
        return Personalised(
            user_settings.setting_of(name, **changes), item_features=item_features, user_features=user_features,
            name=_CALLED.get(name), progress=progress, metric=metric,
        )  # fmt: skip

    return make


LEARNED: dict[str, Callable[..., Personalised]] = {name: _entry(name) for name in user_settings.LEARNED}
"""What is trained by gradients on users as tasks, and the same network without."""

RECOMMENDERS: dict[str, Callable[..., Recommender]] = {**LEARNED, **OPPONENTS}
"""Every recommender by name; keywords are features, the metric to choose by, the seed, and of what is learned the
fields of its `Setting`."""
