"""Settings are chosen on validation cases, and the trials are written down."""

import numpy as np
import pytest

from helpers.recommending import first_and_later, no_cases, some_events
from innerloop.errors import ConfigurationError
from innerloop.recommend import Tuned, evaluate_recommender, grid
from innerloop.recommend.rivals import EASE, GlobalMean, ItemMean


def test_the_best_on_validation_is_kept():
    events = some_events(seed=1)
    train, validation = events.of_users(np.arange(20)), first_and_later(events, range(20, 25))
    for make, settings, metric in (
        (ItemMean, grid(shrinkage=[0.0, 5.0, 1e6]), "absolute error"),
        (EASE, grid(penalty=[0.1, 10.0], least=[None, 4.0]), "nDCG@10"),
    ):
        tuned = Tuned(make, settings).fit(train, validation)
        by_hand = [evaluate_recommender(make(**s).fit(train, validation), validation).mean(metric) for s in settings]
        assert [value for _, value in tuned.tried] == by_hand
        best = int(np.argmin(by_hand) if metric == "absolute error" else np.argmax(by_hand))
        assert tuned.setting == settings[best]
        users = np.array([26, 27])
        own = make(**settings[best]).fit(train, validation)
        assert (tuned.scores(events, users) == own.scores(events, users)).all()
        assert (tuned.name, tuned.family, tuned.predicts_ratings) == (own.name, own.family, own.predicts_ratings)


def test_one_setting_needs_no_validation_cases():
    events = some_events()
    tuned = Tuned(GlobalMean, grid()).fit(events, no_cases(events))
    assert tuned.tried == []
    assert tuned.scores(events, np.array([0]))[0, 0] == events.value.mean()


def test_a_chosen_metric_counts():
    events = some_events(seed=1)
    tuned = Tuned(ItemMean, grid(shrinkage=[0.0, 5.0]), metric="HR@10").fit(events, first_and_later(events, range(5)))
    assert max(value for _, value in tuned.tried) <= 1


def test_nobody_tries_more_than_the_others():
    with pytest.raises(ConfigurationError, match="1 to 8 settings to try; got 9"):
        Tuned(ItemMean, grid(shrinkage=range(9)))
    with pytest.raises(ConfigurationError, match="call fit"):
        Tuned(ItemMean, grid(shrinkage=[1.0])).scores(some_events(), np.array([0]))
