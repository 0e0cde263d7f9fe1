"""Settings are chosen on validation cases, and the trials are written down."""

import numpy as np
import pytest

from helpers.recommending import first_and_later, no_cases, some_events
from innerloop.errors import ConfigurationError, TrainingError
from innerloop.recommend import Cases, Events, Tuned, evaluate_recommender, grid
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


class Given(GlobalMean):
    """Scores that are given."""

    def __init__(self, table):
        self.table = table

    def scores(self, support, users):
        return np.tile(self.table, (len(users), 1))


def test_the_chosen_metric_is_the_one_that_chooses():
    # the first is close to the ratings and orders them wrongly, the second the other way round
    validation = Cases(
        Events.of([0], [0], [3.0], users=1, items=4), Events.of([0, 0], [1, 2], [3.9, 4.1], users=1, items=4)
    )
    settings = grid(table=[(4.0, 4.1, 3.9, 3.8), (0.0, 1.0, 9.0, 2.0)])
    for metric, best in ((None, 0), ("root mean squared error", 0), ("nDCG@10", 1)):
        tuned = Tuned(Given, settings, metric=metric).fit(validation.support, validation)
        assert tuned.setting == settings[best], metric
        asked = metric or "absolute error"
        found = [evaluate_recommender(Given(**one), validation).mean(asked) for one in settings]
        assert [value for _, value in tuned.tried] == found


def test_a_trial_that_diverges_is_a_trial_that_failed():
    class Diverging(ItemMean):
        def fit(self, train, validation):
            if self.shrinkage < 2:
                raise TrainingError("nan")
            return super().fit(train, validation)

    events = some_events(seed=1)
    validation = first_and_later(events, range(5))
    tuned = Tuned(Diverging, grid(shrinkage=[1.0, 5.0])).fit(events, validation)
    assert tuned.setting == {"shrinkage": 5.0}
    assert np.isnan(tuned.tried[0][1])
    with pytest.raises(ConfigurationError, match="None of the settings"):
        Tuned(Diverging, grid(shrinkage=[0.0, 1.0])).fit(events, validation)


def test_nobody_tries_more_than_the_others():
    with pytest.raises(ConfigurationError, match="1 to 8 settings to try; got 9"):
        Tuned(ItemMean, grid(shrinkage=range(9)))
    with pytest.raises(ConfigurationError, match="call fit"):
        Tuned(ItemMean, grid(shrinkage=[1.0])).scores(some_events(), np.array([0]))
