"""Counts, of all events, of the latest, or of those that were liked."""

import numpy as np
import pytest

from helpers.recommending import no_cases, some_events
from innerloop.errors import ConfigurationError
from innerloop.recommend import Cases, Events
from innerloop.recommend.rivals import EASE, ImplicitALS, ItemKNN, Popularity

EVENTS = some_events(seed=6)
NONE = no_cases(EVENTS)


def test_counts_are_of_the_events_that_count():
    latest = np.sort(EVENTS.time)[-(len(EVENTS) // 2) :]
    for made, counted in (
        (Popularity(), np.ones(len(EVENTS), bool)),
        (Popularity(least=4.0), EVENTS.value >= 4),
        (Popularity(recent=0.5), np.isin(EVENTS.time, latest)),
    ):
        found = made.fit(EVENTS, NONE).scores(EVENTS, np.array([0, 1]))
        expected = [((EVENTS.item == item) & counted).sum() for item in range(EVENTS.items)]
        assert np.abs(found - expected).max() <= (1 if made.recent < 1 else 0)  # the middle event may count or not


def test_more_than_everything_is_refused():
    with pytest.raises(ConfigurationError, match="at most 1"):
        Popularity(recent=2.0)


@pytest.mark.parametrize("make", [ItemKNN, EASE, ImplicitALS])
def test_who_has_no_event_that_counts_gets_what_most_people_took(make):
    events = [(0, 0, 5), (0, 1, 5), (1, 1, 5), (2, 2, 5), (2, 1, 4), (3, 0, 2), (4, 0, 5)]
    user, item, value = (np.array(each) for each in zip(*events, strict=True))
    every = Events.of(user, item, value, users=6, items=4)
    train, support = every.where(every.user < 3), every.where(every.user >= 3)
    model = make(least=4.0).fit(train, Cases(every.where(every.user < 0), support))
    disliked, liked, nothing = model.scores(support, np.array([3, 4, 5]))
    assert disliked.tolist() == nothing.tolist() == [1, 3, 1, 0]
    assert liked.tolist() != disliked.tolist()
