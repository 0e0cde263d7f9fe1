"""Events in files are the same events, and a store is there whole or not at all."""

import errno
import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innerloop.errors import CheckpointError, ConfigurationError, DataError, InnerloopError
from innerloop.recommend import Cases, Events, _cells, open_store, read_table, store_events, store_table

COLUMNS = ("user", "item", "value", "time")


def same(one, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.users, one.items, one.explicit) == (other.users, other.items, other.explicit)


def part(seed, users=4):
    random = np.random.default_rng(seed)
    rows = 3 * users
    return Events.of(random.integers(0, users, rows), random.integers(0, 9, rows), random.integers(1, 6, rows),
                     random.random(rows), users=users, items=9)  # fmt: skip


def joined(parts):
    """The same events in memory."""
    before = np.cumsum([0, *(events.users for events in parts)])
    return Events.of(
        np.concatenate([events.user + shift for events, shift in zip(parts, before, strict=False)]),
        *(np.concatenate([getattr(events, name) for events in parts]) for name in COLUMNS[1:]),
        users=int(before[-1]), items=9,
    )  # fmt: skip


def test_parts_are_numbered_on(tmp_path):
    parts = [part(seed, users) for seed, users in enumerate((4, 1, 7))]
    stored = store_events(iter(parts), tmp_path / "store")
    same(stored.events, joined(parts))
    assert (stored.schema, list(stored.users())) == (None, [])
    stored.release()
    same(stored.events, joined(parts))
    same(open_store(tmp_path / "store").events, joined(parts))


def test_stored_events_do_what_events_do(tmp_path):
    events = joined([part(0)])
    stored = store_events([events], tmp_path / "store").events
    same(stored.history(2), events.history(2))
    same(stored.of_users(np.array([1, 3])), events.of_users(np.array([1, 3])))
    np.testing.assert_array_equal(stored.counts, events.counts)
    first = np.zeros(len(events), bool)
    first[::2] = True
    empty = np.zeros(len(events), bool)
    assert Cases(stored.where(empty), stored.where(first)).users.tolist() == np.unique(events.user[first]).tolist()
    assert torch.from_numpy(stored.item).tolist() == events.item.tolist()  # a read-only array would warn
    stored.item[:] = 0
    same(open_store(tmp_path / "store").events, events)


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 12), st.integers(1, 5), st.integers(0, 3)),
    min_size=1, max_size=30, unique_by=lambda row: row[:2],
).map(lambda rows: sorted(rows, key=lambda row: row[0]))  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 12))
def test_a_stored_table_has_the_events_of_a_read_one(tmp_path_factory, monkeypatch, rows, chunk):
    monkeypatch.setattr(_cells, "CHUNK", chunk)
    folder = tmp_path_factory.mktemp("stored")
    path = folder / "events.csv"
    path.write_text("user,item,rating,time\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    table = read_table(path)
    stored = store_table(path, folder / "store")
    same(stored.events, table.events)
    assert tuple(stored.users()) == table.users
    assert stored.schema == table.schema
    again = store_table(path, folder / "again", schema=table.schema)
    same(again.events, table.events)


def test_users_sorted_by_text_or_by_number_but_not_both():
    table = {"user": ["1", "10", "2"], "item": ["a", "a", "a"]}
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        assert list(store_table(table, f"{folder}/text").users()) == ["1", "10", "2"]
        assert list(store_table(table | {"user": [1, 2, 10]}, f"{folder}/number").users()) == ["1", "2", "10"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("users", "row"),
    [("abca", 4), ("aabba", 5), (["1", "2", "10", "3"], 4), (["1", "9", "10", "b"], 4), ("bba", 3), (["1", "01"], 2)],
)
def test_a_table_that_is_not_sorted_is_refused(tmp_path, monkeypatch, users, row, chunk):
    monkeypatch.setattr(_cells, "CHUNK", chunk)
    table = {"user": list(users), "item": [f"i{place}" for place in range(len(users))]}
    with pytest.raises(DataError, match=rf"row {row}, column 'user'.*rows must be sorted by user.*Sort the table"):
        store_table(table, tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_items_that_are_not_in_the_schema(tmp_path):
    table = {"user": list("aabb"), "item": list("xyzx"), "rating": [1, 2, 3, 4], "time": [1, 2, 3, 4]}
    schema = read_table({name: cells[:2] for name, cells in table.items()} | {"rating": [1, 4]}).schema
    with pytest.raises(DataError, match="row 3, column 'item': expected one of the items in the schema"):
        store_table(table, tmp_path / "store", schema=schema)
    dropped = store_table(table, tmp_path / "dropped", schema=schema, unknown="drop")
    assert (dropped.events.item.tolist(), dropped.events.user.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert dropped.schema == schema
    kept = store_table(table, tmp_path / "kept", schema=schema, unknown="keep")
    assert (kept.events.item.tolist(), kept.schema.items) == ([0, 1, 2, 0], ("x", "y", "z"))
    with pytest.raises(ConfigurationError, match="leave roles out"):
        store_table(table, tmp_path / "store", schema=schema, roles={"user": "user"})


def test_duplicates_of_a_user_are_found_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(_cells, "CHUNK", 1)
    table = {"user": list("aab"), "item": list("xxx"), "rating": [1, 2, 3], "time": [2, 1, 1]}
    with pytest.raises(DataError, match="row 2: the same 'user' and 'item' as in row 1"):
        store_table(table, tmp_path / "store")
    assert store_table(table, tmp_path / "last", duplicates="last").events.value.tolist() == [1, 3]


def test_a_generator_that_fails_leaves_nothing(tmp_path):
    def parts():
        yield part(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_events(parts(), tmp_path / "store")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="no events to store"):
        store_events([], tmp_path / "store")
    implicit = Events.of([0], [0], users=1, items=1)
    with pytest.raises(DataError, match="Some parts of the events have ratings"):
        store_events([part(0), implicit], tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("innerloop.recommend._store.os.fsync", full)
    with pytest.raises(InnerloopError, match=r"Could not write .*No space left.*Free some space"):
        store_events([part(0)], tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "store").mkdir()
    store_events([part(0)], tmp_path / "store")  # an empty folder is as good as none
    before = (tmp_path / "store" / "item.npy").read_bytes()
    with pytest.raises(ConfigurationError, match="exists; expected a new folder"):
        store_events([part(1)], tmp_path / "store")
    assert (tmp_path / "store" / "item.npy").read_bytes() == before


@pytest.mark.parametrize("damage", ["gone", "short", "long", "other", "no header", "count", "version", "no json"])
def test_a_damaged_store_is_refused(tmp_path, damage):
    folder = tmp_path / "store"
    store_events([part(0)], folder)
    about, column = folder / "about.json", folder / "value.npy"
    said = json.loads(about.read_text())
    if damage == "gone":
        column.unlink()
    elif damage == "no header":
        column.write_bytes(b"x" * 200)
    elif damage == "other":
        np.save(column, np.zeros(said["events"], np.float32))
    elif damage in ("count", "version"):
        about.write_text(json.dumps(said | ({"events": 99} if damage == "count" else {"store": 9})))
    elif damage == "no json":
        about.write_text("{")
    else:
        content = column.read_bytes()
        column.write_bytes(content[:-8] if damage == "short" else content + b"12345678")
    with pytest.raises(CheckpointError, match="damaged"):
        open_store(folder)
    with pytest.raises(CheckpointError, match="missing or damaged"):
        open_store(tmp_path / "nowhere")


def test_columns_are_ordinary_npy_files(tmp_path):
    events = part(0)
    store_events([events], tmp_path / "store")
    for name in COLUMNS:
        np.testing.assert_array_equal(np.load(tmp_path / "store" / f"{name}.npy"), getattr(events, name))
