"""A schema is saved with a model and comes back the same, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innerloop.errors import CheckpointError, ConfigurationError, DataError
from innerloop.recommend import Feature, Roles, Schema, read_table

WORDS = st.lists(st.text(max_size=5), unique=True, max_size=6).map(tuple)
FEATURES = st.lists(
    st.one_of(
        st.builds(Feature, st.text(), st.just("category"), WORDS, st.sampled_from([None, "|"])),
        st.builds(Feature, st.text(), st.just("number"), mean=st.floats(-9, 9), deviation=st.floats(0.1, 9)),
    ),
    max_size=3,
).map(tuple)


@given(items=WORDS, of_items=FEATURES, of_users=FEATURES, low=st.floats(-9, 9), titled=st.booleans())
def test_a_schema_survives_json(items, of_items, of_users, low, titled):
    schema = Schema(Roles("u", "i", "r", None, "t" if titled else None), items, of_items, of_users, (low, low + 1),
                    items if titled else None)  # fmt: skip
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_a_schema_is_saved_and_loaded(tmp_path):
    schema = read_table({"user": [1], "film": ["É"], "stars": [3], "title": ["É\n"]}).schema
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    (tmp_path / "schema.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"no schema of version 1.*Infer it again"):
        Schema.load(tmp_path / "schema.json")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"items": "ab"}, {"items": ["a", "a"]}, {"items": [1]}, {"roles": {"user": "u"}}, {"range": [1]},
        {"titles": ["one", "two"]}, {"item_features": [{"column": "c", "kind": "odd", "names": []}]},
        {"item_features": [{"column": "c", "kind": "number", "names": [], "deviation": 0.0}]},
        {"roles": {"user": "u", "item": "u"}}, {"user_features": None},
    ],
)  # fmt: skip
def test_a_damaged_schema_is_refused(change):
    good = Schema(Roles("u", "i"), ("a",)).to_json()
    assert Schema.from_json(good)
    with pytest.raises(CheckpointError, match="no schema"):
        Schema.from_json(good | change)


def test_more_items_leave_the_known_ones_their_numbers():
    schema = Schema(Roles("u", "i"), ("b", "a"), titles=("B", "A"))
    more = schema.extended(["c", "a"], ["C", "other"])
    assert (more.items, more.titles) == (("b", "a", "c"), ("B", "A", "C"))
    assert more.numbers(["c", "b"]).tolist() == [2, 0]
    with pytest.raises(DataError, match="no item 'd' among the 3"):
        more.numbers(["d"])


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        (("userId", "movieId", "rating", "timestamp"), Roles("userId", "movieId", "rating", "timestamp")),
        (("User_ID", "ASIN", "Overall", "unixReviewTime"), Roles("User_ID", "ASIN", "Overall", "unixReviewTime")),
        (("customer", "product id"), Roles("customer", "product id")),
        (("visitor_id", "book_id", "book title", "name"), Roles("visitor_id", "book_id", title="name")),
    ],
)
def test_columns_are_known_by_their_names(header, roles):
    assert Schema.infer({name: ["1"] for name in header}).roles == roles


def test_roles_can_be_said():
    table = {"who": ["a"], "what": ["b"], "rating": [3], "date": ["soon"]}
    roles = {"user": "who", "item": "what", "value": None, "time": None}
    assert Schema.infer(table, roles=roles).roles == Roles("who", "what")
    with pytest.raises(DataError, match=r"no column that is the user.*'who'.*roles="):
        Schema.infer(table)
    with pytest.raises(DataError, match=r"no column 'whom' \(user\)"):
        Schema.infer(table, roles=roles | {"user": "whom"})
    with pytest.raises(ConfigurationError, match=r"no role 'users'.*Did you mean 'user'"):
        Schema.infer(table, roles={"users": "who"})
    with pytest.raises(ConfigurationError, match="'who' has two roles"):
        Schema.infer(table, roles=roles | {"item": "who"})


def test_a_schema_of_many_items_and_categories_is_printed_in_few_words():
    names = list(map(str, range(1_000)))
    table = read_table({"user": names, "item": names, "rating": [1] * 1_000, "title": names, "genre": names})
    assert len(repr(table.schema)) < 1_000
