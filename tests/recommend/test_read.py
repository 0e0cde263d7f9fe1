"""A table becomes events and features, whatever the order of its rows and columns."""

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import Schema, Several, read_table
from innerloop.recommend._numbering import NOTHING

NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=4).filter(
    lambda name: name.lower() not in NOTHING
)
ROWS = st.lists(
    st.tuples(
        NAMES, NAMES, st.floats(-1e6, 1e6), st.integers(0, 10**9), st.sampled_from(["a", "b|a", ""]),
    ),
    min_size=1, max_size=25, unique_by=lambda row: row[:2],
)  # fmt: skip
HEADER = ("userId", "itemId", "rating", "timestamp", "mood")


def written(folder, rows, header=HEADER):
    path = folder / "events.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL if len(rows) % 2 else csv.QUOTE_MINIMAL)
        writer.writerow(header)
        writer.writerows([dict(zip(HEADER, row, strict=True))[name] for name in header] for row in rows)
    return path


def as_rows(table):
    """(user, item, value, time) of each event, by name."""
    events = table.events
    return [
        (table.users[user], table.schema.items[item], value, time)
        for user, item, value, time in zip(events.user, events.item, events.value, events.time, strict=True)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_table_gives_back_its_events(tmp_path, rows):
    table = read_table(written(tmp_path, rows))
    assert sorted(as_rows(table)) == sorted((user, item, value, float(at)) for user, item, value, at, _ in rows)
    assert (np.diff(table.events.user) >= 0).all()
    assert table.schema == Schema.from_json(table.schema.to_json())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(rows=ROWS, header=st.permutations(HEADER), order=st.randoms())
def test_the_order_of_columns_and_rows_does_not_matter(tmp_path, rows, header, order):
    one = read_table(written(tmp_path, rows))
    order.shuffle(rows)
    other = read_table(written(tmp_path, rows, header))
    assert one.schema == other.schema
    assert sorted(as_rows(one)) == sorted(as_rows(other))
    for name, column in one.dataset.item_features.columns.items():
        np.testing.assert_array_equal(column.codes, other.dataset.item_features.columns[name].codes)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_schema_reads_its_own_table_to_the_same(tmp_path, rows):
    path = written(tmp_path, rows)
    table = read_table(path)
    again = read_table(path, schema=table.schema)
    assert again.schema == table.schema
    assert as_rows(again) == as_rows(table)
    for side in ("item_features", "user_features"):
        one, other = getattr(table.dataset, side).columns, getattr(again.dataset, side).columns
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name].codes, other[name].codes)


EVENTS = {
    "user": ["b", "a", "b", "a"], "item": [10, 9, 9, 10], "rating": [1, 2, 3, 5], "time": [4, 3, 2, 1],
    "device": ["phone", "phone", "tv", "tv"],
}  # fmt: skip
ITEMS = {
    "item": [10, 9, 8], "title": ["Ten", "Nine", None], "genres": ["x|y", "y", None],
    "length": [100, None, 140], "maker": ["m", "n", "m"],
}  # fmt: skip
USERS = {"user": ["a", "b", "c"], "age": [20, 40, 60], "job": ["baker", "smith", "baker"], "country": ["X"] * 3}


def test_tables_of_items_and_users():
    table = read_table(EVENTS, items=ITEMS, users=USERS)
    assert table.schema.items == ("8", "9", "10")
    assert table.schema.titles == ("", "Nine", "Ten")
    assert table.users == ("a", "b", "c")
    assert (table.events.users, table.events.items) == (3, 3)
    columns = table.dataset.item_features.columns
    assert columns["genres"].codes.tolist() == [[0, -1], [2, -1], [1, 2]]
    np.testing.assert_allclose(columns["length"].numbers[:, 0], [1, 0, -1])  # mean 120, deviation 20
    assert columns["maker"].codes[:, 0].tolist() == [1, 2, 1]
    ages = table.dataset.user_features.columns["age"].numbers[:, 0]
    np.testing.assert_allclose(ages, (np.array([20, 40, 60]) - 40) / np.std([20, 40, 60]), rtol=1e-6)
    assert table.dataset.user_features.columns["job"].codes[:, 0].tolist() == [1, 2, 1]
    assert table.left_out["country"] == "never changes"
    assert "is no feature" in table.left_out["device"]


def test_columns_of_the_events_that_say_something_of_items_or_users():
    table = read_table(EVENTS | {"colour": ["red", "blue", "blue", "red"], "town": ["B", "A", "B", "A"]})
    assert [feature.column for feature in table.schema.item_features] == ["colour"]
    assert [feature.column for feature in table.schema.user_features] == ["town"]
    with pytest.raises(DataError, match=r"row 3, column 'device'.*'phone', as before for user 'b'|row 3.*item '9'"):
        read_table(EVENTS, kinds={"device": "category"})


def test_kinds_override_the_rules():
    items = {"item": [9, 10], "codes": [1, 2], "tags": ["p;q", "q"], "size": ["7", "large"]}
    found = {f.column: f for f in read_table(EVENTS, items=items).schema.item_features}
    assert (found["codes"].kind, found["tags"].names, found["size"].names) == ("number", ("p;q", "q"), ("7", "large"))
    kinds = {"codes": "category", "tags": Several(";"), "size": "ignore"}
    found = {f.column: f for f in read_table(EVENTS, items=items, kinds=kinds).schema.item_features}
    assert (found["codes"].names, found["tags"].names) == (("1", "2"), ("p", "q"))
    assert "size" not in found
    with pytest.raises(ConfigurationError, match=r"a column 'tag'.*Did you mean 'tags'"):
        read_table(EVENTS, items=items, kinds={"tag": "category"})


def test_names_of_which_no_two_are_the_same_are_no_feature():
    count = 20
    table = {"user": range(count), "item": range(count), "slogan": [f"text {n}" for n in range(count)]}
    assert read_table(table).left_out == {"slogan": "names: no two are the same"}
    assert len(read_table(table, kinds={"slogan": "category"}).schema.item_features[0].names) == count


def test_new_data_is_read_with_the_schema():
    schema = read_table(EVENTS, items=ITEMS).schema
    new = {"user": ["z", "z"], "item": ["9", "11"], "rating": [5, 1], "time": [1, 2]}
    with pytest.raises(DataError, match="row 2, column 'item': expected one of the items in the schema; got '11'"):
        read_table(new, schema=schema, features=False)
    dropped = read_table(new, schema=schema, features=False, unknown="drop")
    assert (dropped.users, dropped.events.item.tolist(), dropped.dropped) == (("z",), [1], 1)
    assert dropped.schema == schema
    kept = read_table(new, schema=schema, features=False, unknown="keep")
    assert kept.schema.items == (*schema.items, "11")
    assert kept.events.item.tolist() == [1, 3]
    items = {"item": [11, 8, 9, 10], "title": ["Eleven", "", "", ""], "genres": ["y|new", "x", "x", "x"],
             "length": [160, 1, 1, 1], "maker": ["other", "m", "m", "m"]}  # fmt: skip
    cold = read_table(new, items=items, schema=schema, unknown="keep")
    columns = cold.dataset.item_features.columns
    assert columns["genres"].codes[3].tolist() == [2, 0]  # a genre it knows, and one it does not
    assert columns["maker"].codes[3].tolist() == [0]
    np.testing.assert_allclose(columns["length"].numbers[3], 2.0)
    assert cold.schema.titles[3] == "Eleven"
    with pytest.raises(DataError, match=r"no column 'genres'.*items=.*features=False"):
        read_table(new, schema=schema, unknown="keep")
    with pytest.raises(DataError, match="'rating': expected a rating from 1 to 5, as in the schema; got 10"):
        read_table(new | {"rating": [3, 10]}, schema=schema, features=False, unknown="keep")
    with pytest.raises(DataError, match="no column 'time'"):
        read_table({name: new[name] for name in ("user", "item", "rating")}, schema=schema)
    with pytest.raises(DataError, match=r"no row for item '9' of the schema \(2 are missing\)"):
        read_table(new, items={**{k: v[:1] for k, v in ITEMS.items()}, "item": [8]}, schema=schema)
    with pytest.raises(ConfigurationError, match="leave roles and kinds out"):
        read_table(new, schema=schema, kinds={"genres": "category"})


def test_duplicates():
    twice = {"user": ["a"] * 3, "item": ["i"] * 3, "rating": [1, 2, 3], "time": [5, 9, 7]}
    with pytest.raises(DataError, match=r"row 2: the same 'user' and 'item' as in row 1 \(2 such rows"):
        read_table(twice)
    assert read_table(twice, duplicates="first").events.value.tolist() == [1.0]
    last = read_table(twice, duplicates="last")
    assert (last.events.value.tolist(), last.dropped) == ([2.0], 2)


def test_implicit_events_and_rows_in_the_order_of_time():
    events = read_table({"user": [1, 1, 0], "item": [5, 4, 5]}).events
    assert not events.explicit
    assert events.item.tolist() == [1, 1, 0]
    assert events.value.tolist() == [1.0] * 3


def test_what_is_different_in_numbers_of_frames_is_the_same_name():
    table = read_table({"user": [7, 7.0, " 7 "], "item": ["1", "2", "3"]})
    assert table.users == ("7",)


@pytest.mark.parametrize("times", [["2024-01-02", "2024-01-01"], ["2024-01-01T10:00:00Z", "2024-01-01T10:30:00+01:00"]])
def test_calendar_times(times):
    assert read_table({"user": [1, 1], "item": [5, 4], "time": times}).events.item.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unknown": "ignore"}, "unknown must be one of refuse, drop, keep; got 'ignore'"),
        ({"duplicates": "all"}, "duplicates must be one of refuse, first, last; got 'all'"),
        ({"kinds": {"device": "several"}}, r"kinds\['device'\] must be 'category'.*got 'several'"),
        ({"kinds": {"device": Several("")}}, r"kinds\['device'\] must be"),
    ],
)
def test_words_that_are_none_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        read_table(EVENTS, **arguments)
