"""A recommender whose settings are chosen on validation cases, with the number of trials written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Self

from innerloop.errors import ConfigurationError, TrainingError
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._validation import Validation

TRIALS = 8
"""Settings that each recommender may try. A choice; the same for all is what matters."""

Setting = Mapping[str, Any]


class Tuned(Recommender):
    """Fits one recommender per setting and keeps the one that is best on the validation cases.

    Args:
        make: from a setting's values to a recommender.
        settings: at most `TRIALS`; of equals the first one is kept.
        metric: what to choose by; None: "absolute error" for ratings, "nDCG@10" for what only orders items.

    Attributes:
        best: the chosen recommender; None before `fit`.
        setting: its setting.
        tried: each setting with its value of the metric, in the order in which they were tried; NaN where training
            diverged.

    Raises:
        ConfigurationError: if there is nothing to try or too much, or nothing gives a finite value.

    >>> from innerloop.recommend.rivals import ItemMean
    >>> train = Events.of([0, 0, 1, 1], [0, 1, 0, 1], [5, 3, 4, 3], users=3, items=2)
    >>> cases = Cases(Events.of([2], [0], [5], users=3, items=2), Events.of([2], [1], [3], users=3, items=2))
    >>> tuned = Tuned(ItemMean, grid(shrinkage=[0.0, 1.0, 10.0])).fit(train, cases)
    >>> tuned.setting, len(tuned.tried)
    ({'shrinkage': 0.0}, 3)
    """

    def __init__(self, make: Callable[..., Recommender], settings: Sequence[Setting], metric: str | None = None):
        if not 1 <= len(settings) <= TRIALS:
            raise ConfigurationError(f"Expected 1 to {TRIALS} settings to try; got {len(settings)}.")
        self.make, self.settings, self.metric = make, list(settings), metric
        example = make(**self.settings[0])
        self.name, self.family, self.predicts_ratings = example.name, example.family, example.predicts_ratings
        self.best: Recommender | None = None
        self.setting: Setting = {}
        self.tried: list[tuple[Setting, float]] = []

    def fit(self, train: Events, validation: Cases) -> Self:
        """Tries every setting. With a single one there is nothing to choose, and validation cases are not looked at."""
        self.tried, self.best = [], None
        if len(self.settings) == 1:
            self.setting = self.settings[0]
            self.best = self.make(**self.setting).fit(train, validation)
            return self
        metric = Validation(self, validation, self.metric).metric
        sign = -1.0 if metric.endswith("error") else 1.0
        top = -math.inf
        for setting in self.settings:
            try:
                made = self.make(**setting).fit(train, validation)
                value = Validation(made, validation, metric).evaluation().mean
            except TrainingError:  # it diverged: a trial like another, that nothing came of
                value = math.nan
            self.tried.append((setting, value))
            if math.isfinite(value) and sign * value > top:
                top, self.best, self.setting = sign * value, made, setting
        if self.best is None:
            raise ConfigurationError(f"None of the settings {self.settings} of {self.name} gives a finite {metric}.")
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """Those of the chosen recommender.

        Raises:
            ConfigurationError: before `fit`.
        """
        if self.best is None:
            raise ConfigurationError(f"{self.name} is not fitted yet: call fit(train, validation) first.")
        return self.best.scores(support, users)


def grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Every combination of values.

    >>> grid(a=[1, 2], b=["x"])
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}]
    """
    return [dict(zip(values, each, strict=True)) for each in product(*values.values())]
