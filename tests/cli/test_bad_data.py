"""A user's data with something wrong in them: one line that names the place, exit code 2, no run folder."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import damage, folders

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def train_fails(fails, tmp_path):
    def run(recipe, data, *options):
        own = folders.PICTURE_OPTIONS if recipe == "folder" else folders.TABLE_OPTIONS
        line = fails("train", recipe, "--data", data, "--run", tmp_path / "run", *own, *options)
        assert not (tmp_path / "run").exists()
        return line

    return run


def unreadable():
    """Bytes that are no whole picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "PNG")
    whole = buffer.getvalue()
    cut = st.integers(0, len(whole) - 20).map(lambda size: whole[:size])
    return st.one_of(st.binary(max_size=100), cut)


@pytest.mark.parametrize("command", ["train", "support", "predict"])
def test_unreadable_pictures_are_named(command, train_fails, fails, picture_run, adapted, two_classes, tmp_path):
    data = folders.write_pictures(tmp_path / "data", classes=10)
    bad = data / "class 3" / "bad picture.png"

    @MANY
    @given(unreadable())
    def check(content):
        bad.write_bytes(content)
        if command == "train":
            line = train_fails("folder", data)
        elif command == "support":
            line = fails("adapt", picture_run, "--support", data, "--out", tmp_path / "m")
        else:
            line = fails("adapt", "--model", adapted, "--predict", two_classes, bad)
        assert str(bad) in line
        assert "Save it again, or remove it." in line
        assert not (tmp_path / "m").exists()

    check()


def test_a_class_with_too_few_pictures_is_named(train_fails, tmp_path):
    data = folders.write_pictures(tmp_path / "data", classes=10, each=4)

    @MANY
    @given(st.integers(0, 9), st.integers(1, 3))
    def check(k, missing):
        files = sorted((data / f"class {k}").iterdir())[:missing]
        kept = [(file, file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        line = train_fails("folder", data, "--shots", "2")
        assert f"'class {k}'" in line
        assert "Use fewer shots" in line or "Add pictures" in line
        for file, content in kept:
            file.write_bytes(content)

    check()


def test_folders_without_classes(train_fails, tmp_path):
    assert "no folder" in train_fails("folder", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no class folders" in train_fails("folder", tmp_path / "empty")
    few = folders.write_pictures(tmp_path / "few", classes=2)
    assert "classes" in train_fails("folder", few)
    assert "--data" in train_fails("folder", "")
    whole = folders.write_pictures(tmp_path / "data", classes=10)
    assert "9" in train_fails("folder", whole, "--ways", "9")
    assert "splits" in train_fails("folder", whole, "--splits", tmp_path / "no-splits.json").lower()


ROWS = [["plant", "light", "water", "height"]] + [
    [f"plant {k % 10}", f"{k % 7}.5", f"0.{k % 9}", f"{k}"] for k in range(90)
]


def as_csv(rows):
    return "\n".join(",".join(row) for row in rows) + "\n"


def test_cells_that_are_no_numbers_are_named(train_fails, tmp_path):
    path = tmp_path / "plants.csv"

    @MANY
    @given(
        st.integers(1, 90), st.integers(1, 3), st.sampled_from(["", "nan", "inf", "-inf", "tall", "1_0", "1,5", "?"])
    )
    def check(row, column, cell):
        rows = [list(each) for each in ROWS]
        rows[row][column] = cell
        path.write_text(as_csv(rows))
        line = train_fails("table", path)
        assert f"line {row + 1}" in line
        assert str(path) in line

    check()


@pytest.mark.parametrize("command", ["support", "predict"])
def test_rows_to_adapt_to_with_a_bad_cell(command, table_run, fails, tmp_path):
    good, bad, out = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "m"
    good.write_text(as_csv(ROWS[:6]))

    @MANY
    @given(st.integers(1, 5), st.integers(1, 2), st.sampled_from(["", "nan", "inf", "tall", "--", "1e999"]))
    def check(row, column, cell):
        rows = [list(each) for each in ROWS[:6]]
        rows[row][column] = cell
        bad.write_text(as_csv(rows))
        files = [bad] if command == "support" else [good, "--predict", bad]
        line = fails("adapt", table_run, "--support", *files, "--out", out)
        assert str(bad) in line
        assert f"Row {row}, column {ROWS[0][column]!r}" in line
        assert not out.exists()

    check()


def test_tables_that_are_none(train_fails, table_run, fails, tmp_path):
    path = tmp_path / "plants.csv"

    @MANY
    @given(st.one_of(st.binary(max_size=200), st.sampled_from([b"", b"\n\n", b"a,b\n1,2\n", b"plant,light\n"])))
    def check(content):
        path.write_bytes(content)
        assert str(path) in train_fails("table", path)
        assert str(path) in fails("adapt", table_run, "--support", path)

    check()
    assert "nothing.csv" in train_fails("table", tmp_path / "nothing.csv")
    assert str(tmp_path) in train_fails("table", tmp_path)


def test_columns_that_are_not_there(train_fails, tmp_path):
    path = tmp_path / "plants.csv"
    path.write_text(as_csv(ROWS))

    @MANY
    @given(
        st.sampled_from(["--task", "--target", "--inputs", "--drop"]),
        st.text("abcdefxyz", min_size=1, max_size=8),
    )
    def check(option, name):
        line = train_fails("table", path, option, name)
        assert f"no column {name!r}" in line
        assert "'plant', 'light', 'water', 'height'" in line

    check()


def test_tasks_with_too_few_rows_are_named(train_fails, tmp_path):
    path = tmp_path / "plants.csv"

    @MANY
    @given(st.integers(0, 9), st.integers(1, 3))
    def check(plant, left):
        own = [row for row in ROWS[1:] if row[0] == f"plant {plant}"][left:]
        path.write_text(as_csv([row for row in ROWS if row not in own]))
        line = train_fails("table", path)
        assert f"'plant {plant}' ({left})" in line

    check()


def test_the_data_are_left_alone(train_fails, tmp_path):
    data = folders.write_pictures(tmp_path / "data", classes=10)
    (data / "class 3" / "bad.png").write_bytes(b"")
    before = damage.snapshot(data)
    train_fails("folder", data)
    assert damage.snapshot(data) == before
