"""Events are sorted by user and time, and say what is wrong with columns that cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.recommending import some_events
from innerloop.errors import DataError
from innerloop.recommend import Cases, Column, Events, Features
from innerloop.recommend._events import joined

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 5), st.integers(0, 9)), max_size=30)


@given(ROWS)
def test_events_are_in_order_and_none_is_lost(rows):
    user, item, value, time = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    events = Events.of(user, item, value, time, users=5, items=7)
    expected = sorted(rows, key=lambda row: (row[0], row[3]))  # sorted is stable
    assert [(*found,) for found in zip(events.user, events.item, events.value, events.time, strict=True)] == expected
    for who in range(5):
        own = [row[1] for row in expected if row[0] == who]
        assert events.history(who).item.tolist() == own
        assert events.counts[who] == len(own)
    some = events.of_users(np.array([1, 3]))
    assert some.item.tolist() == [row[1] for row in expected if row[0] in (1, 3)]


def test_events_without_values_are_implicit():
    events = Events.of([0], [0], users=1, items=1)
    assert not events.explicit
    assert events.value.tolist() == [1.0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"user": [0, 2]}, "Numbers of users must be from 0 to 1; got 0 to 2"),
        ({"item": [-1, 0]}, "Numbers of items must be from 0 to 2; got -1 to 0"),
        ({"value": [1.0, np.nan]}, "Event 1 has no finite value"),
        ({"time": [np.inf, 0.0]}, "Event 0 has no finite time"),
        ({"value": [1.0]}, "same number of rows"),
    ],
)
def test_columns_that_cannot_be_are_named(changed, message):
    columns = {"user": [0, 1], "item": [0, 2], "value": [1.0, 2.0], "time": [0, 1]} | changed
    with pytest.raises(DataError, match=message):
        Events.of(**columns, users=2, items=3)


def test_a_query_event_may_not_be_in_the_support_set():
    support = Events.of([0, 0], [1, 2], [3, 3], users=1, items=4)
    query = Events.of([0, 0], [3, 2], [3, 3], users=1, items=4)
    with pytest.raises(DataError, match="1 query events are in the support set too"):
        Cases(support, query)
    with pytest.raises(DataError, match="1 query events are in the seen events too"):
        Cases(support.where(support.item == 1), query, support)
    with pytest.raises(DataError, match="seen events and query have different numbers of users and items"):
        Cases(support.where(support.item == 1), query, Events.of([0], [0], users=2, items=4))


def test_parts_are_joined_in_the_order_of_time():
    events = some_events(seed=4)
    odd = np.arange(len(events)) % 2 == 1
    found = joined(events.where(odd), None, events.where(~odd))
    for column in ("user", "item", "value", "time"):
        np.testing.assert_array_equal(getattr(found, column), getattr(events, column))
    assert (found.users, found.items, found.explicit) == (events.users, events.items, events.explicit)
    assert not joined(some_events(explicit=False)).explicit


def test_codes_out_of_range_and_rows_that_are_missing_are_named():
    with pytest.raises(DataError, match="from -1 to 2; got 0 to 3"):
        Column.categories(np.array([0, 3]), size=3)
    with pytest.raises(DataError, match="'genre' has 2 rows; expected 3"):
        Features({"genre": Column.categories(np.array([0, 1]), size=3)}, rows=3)
