"""evidence/_grid.py: rows that are there are not computed again."""

import json

import pytest
from _grid import grid

from helpers.rows import counted, failing, meanwhile

HEAD = {"command": "python evidence/example.py", "tasks": 3}


@pytest.mark.parametrize("processes", [1, 2])
def test_goes_on_where_it_was_stopped(tmp_path, processes):
    path, log = tmp_path / "grid.json", tmp_path / "log"
    grid(path, HEAD, [(str(log), 2)], counted)
    rows = grid(path, HEAD, [(str(log), 1), (str(log), 2), (str(log), 3)], counted, processes=processes)
    assert [row["square"] for row in rows] == [1, 4, 9]
    assert sorted(log.read_text().split()) == ["1", "2", "3"]
    content = json.loads(path.read_text())
    assert content["tasks"] == 3
    assert [row["cell"][1] for row in content["rows"]] == [1, 2, 3]
    assert content["rows"][0]["provenance"]["threads"] == 1
    # other cells leave those of before in the file
    grid(path, HEAD, [(str(log), 2)], counted)
    grid(path, HEAD, [(str(log), 4)], counted)
    assert [row["cell"][1] for row in json.loads(path.read_text())["rows"]] == [4, 1, 2, 3]


def test_a_row_that_fails_leaves_the_others(tmp_path):
    path = tmp_path / "grid.json"
    with pytest.raises(ValueError, match="odd"):
        grid(path, HEAD, [(2,), (3,), (4,)], failing)
    assert [row["cell"] for row in json.loads(path.read_text())["rows"]] == [[2], [4]]


def test_two_tables_in_one_file(tmp_path):
    path, log = tmp_path / "grid.json", tmp_path / "log"
    grid(path, HEAD, [(str(log), 1)], counted, key="tuned")
    grid(path, HEAD, [(str(log), 2)], counted)
    content = json.loads(path.read_text())
    assert [len(content[key]) for key in ("tuned", "rows")] == [1, 1]


def test_a_row_of_other_settings_is_refused_before_anything_is_computed(tmp_path):
    path, log = tmp_path / "grid.json", tmp_path / "log"

    def asking(rates):
        return lambda log, number: {"number": number, "rates": rates}

    grid(path, HEAD, [(str(log), 1)], counted, settings=asking((0.1, 0.2)))
    grid(path, HEAD, [(str(log), 1)], counted, settings=asking([0.1, 0.2]))  # JSON has no tuples
    assert json.loads(path.read_text())["rows"][0]["settings"] == {"number": 1, "rates": [0.1, 0.2]}
    with pytest.raises(SystemExit, match=r"row .*1.* of other settings: rates is \[0.1, 0.2\], and \[0.5\] is asked"):
        grid(path, HEAD, [(str(log), 2), (str(log), 1)], counted, settings=asking([0.5]))
    assert log.read_text().split() == ["1"]
    # rows of before there were settings: only who has none asks for them
    grid(path, HEAD, [(str(log), 3)], counted)
    grid(path, HEAD, [(str(log), 3)], counted, settings=lambda *_: {})
    with pytest.raises(SystemExit, match="number is None, and 3"):
        grid(path, HEAD, [(str(log), 3)], counted, settings=asking([0.5]))


def test_rows_that_others_write_meanwhile_stay(tmp_path):
    path, log = tmp_path / "grid.json", tmp_path / "log"
    grid(path, HEAD, [(str(path), str(log), number) for number in (1, 2)], meanwhile)
    content = json.loads(path.read_text())
    assert sorted(row["cell"][-1] for row in content["rows"]) == [1, 2, 10, 20]
    assert content["command"] == HEAD["command"]
