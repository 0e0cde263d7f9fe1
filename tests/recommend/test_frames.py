"""The same table as a CSV file, a Parquet file and a frame of pandas, polars or pyarrow."""

import datetime
import sys

import numpy as np
import pytest

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import _cells, read_table, store_table

TEXT = """userId,movieId,rating,timestamp,genres,year
7,3,4.0,2024-01-02,war|art,1990
7,1,2.5,2024-01-01,art,2000
8,3,1.0,2024-01-03,war|art,1990
"""


def csv_file(folder):
    path = folder / "table.csv"
    path.write_text(TEXT)
    return path


def columns():
    rows = [line.split(",") for line in TEXT.split()]
    named = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    named |= {name: [int(cell) for cell in named[name]] for name in ("userId", "movieId", "year")}
    named["rating"] = [float(cell) for cell in named["rating"]]
    named["timestamp"] = [datetime.datetime.fromisoformat(cell) for cell in named["timestamp"]]
    return named


def pandas(folder):
    return pytest.importorskip("pandas").DataFrame(columns())


def polars(folder):
    return pytest.importorskip("polars").DataFrame(columns())


def lazy(folder):
    return polars(folder).lazy()


def arrow(folder):
    return pytest.importorskip("pyarrow").table(columns())


def parquet(folder):
    pytest.importorskip("pyarrow.parquet").write_table(arrow(folder), folder / "table.parquet")
    return folder / "table.parquet"


def lists(folder):
    import polars

    return polars.DataFrame(columns() | {"genres": [["war", "art"], ["art"], ["war", "art"]]})


@pytest.mark.apps
@pytest.mark.parametrize("make", [pandas, polars, lazy, arrow, parquet, lists])
def test_the_same_events_and_features(tmp_path, monkeypatch, make):
    monkeypatch.setattr(_cells, "CHUNK", 2)
    expected = read_table(csv_file(tmp_path))
    table = read_table(make(tmp_path))
    assert (table.users, table.schema.items) == (expected.users, expected.schema.items)
    for name in ("user", "item", "value", "time"):
        np.testing.assert_array_equal(getattr(table.events, name), getattr(expected.events, name))
    for name, column in expected.dataset.item_features.columns.items():
        np.testing.assert_array_equal(table.dataset.item_features.columns[name].codes, column.codes)
        np.testing.assert_array_equal(table.dataset.item_features.columns[name].numbers, column.numbers)
    if make is not lists:
        assert table.schema == expected.schema
    again = read_table(make(tmp_path), schema=table.schema)
    np.testing.assert_array_equal(again.events.item, expected.events.item)
    stored = store_table(make(tmp_path), tmp_path / "store")
    np.testing.assert_array_equal(stored.events.item, expected.events.item)


@pytest.mark.apps
def test_missing_cells_of_frames_are_refused_by_row():
    import pandas
    import polars

    for frame in (pandas.DataFrame, polars.DataFrame):
        for column, expected in (("rating", "a finite number"), ("userId", "the name"), ("timestamp", "a time")):
            broken = columns()
            broken[column] = [*broken[column][:2], None]
            with pytest.raises(DataError, match=f"the (pandas|polars) frame, row 3, column '{column}'.*{expected}"):
                read_table(frame(broken))


@pytest.mark.apps
def test_a_pandas_frame_with_two_columns_of_one_name():
    import pandas

    frame = pandas.DataFrame([[1, 2, 3]], columns=["user", "item", "item"])
    with pytest.raises(DataError, match="the pandas frame has more than one column 'item'"):
        read_table(frame)


@pytest.mark.apps
def test_a_damaged_parquet_file(tmp_path):
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"Cannot read .*table.parquet' as Parquet"):
        read_table(path)
    with pytest.raises(DataError, match=r"Cannot read .*none.parquet' as Parquet"):
        read_table(tmp_path / "none.parquet")


def test_parquet_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"needs pyarrow.*pip install 'innerloop\[recommend\]'"):
        read_table(tmp_path / "table.parquet")
