import csv
import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import needs
from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._base import SPLITS
from innerloop.sources._scaling import Scaling
from innerloop.sources._table import Table
from innerloop.sources._table_file import read_table
from innerloop.sources._table_tasks import TableData, TableTasks

HEADER = ["patient", "age", "note", "dose", "score", "grade"]
SIZES = [6, 9, 14, 8, 7, 11, 6, 10, 12, 9]


def cells():
    """Ten patients; a row's age is unique, its score tells patient and age, its grade the dose."""
    age = 0
    for patient, size in enumerate(SIZES):
        for row in range(size):
            age += 1
            dose = row % 3
            yield [f"p{patient}", age, "text", dose, 1000 * patient + age, ("low", "middle", "high")[dose]]


@pytest.fixture
def write(tmp_path):
    def write(rows=None, header=HEADER, delimiter=",", encoding="utf-8"):
        path = tmp_path / "study.csv"
        with open(path, "w", newline="", encoding=encoding) as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *(cells() if rows is None else rows)])
        return path

    return write


def table(path, **changes):
    settings = {"task": "patient", "target": "score", "drop": ["note", "grade"], "shots": 3, "queries": 4}
    return Table(path, **{**settings, **changes})


def test_rows_of_a_task_are_those_of_one_patient_each_once(write):
    splits = table(write())
    for split in SPLITS:
        source = getattr(splits, split)
        tasks = source[0:60]
        x = torch.cat([tasks.support.x, tasks.query.x], 1)
        y = splits.scaling.restore(torch.cat([tasks.support.y, tasks.query.y], 1))[..., 0]
        mask = torch.cat([tasks.support.mask, tasks.query.mask], 1)
        age = x[..., 0] * splits.scaling.stds[0] + splits.scaling.means[0]
        for row, name in enumerate(source.names(range(60))):
            kept = mask[row]
            assert len(age[row, kept].round().unique()) == kept.sum()
            assert torch.equal((y[row, kept] / 1000).floor(), torch.full((int(kept.sum()),), float(name[1:])))
            assert torch.allclose(y[row, kept] % 1000, age[row, kept], atol=0.01)
            assert kept.sum() == min(7, SIZES[int(name[1:])])
            assert not x[row, ~kept].any()


def test_a_short_task_has_a_masked_rest_and_a_whole_support(write):
    tasks = table(write()).train[0:50]
    assert tasks.support.mask.all()
    assert not tasks.query.mask.all()
    assert tasks.query.mask[:, 0].all()
    assert (tasks.query.mask[:, :-1] >= tasks.query.mask[:, 1:]).all()  # padding comes last


def test_padding_reaches_for_no_row_beyond_the_last():
    data = TableData(torch.ones(24, 2), torch.ones(24, 1), counts=[20, 4], names=["long", "short"])
    tasks = TableTasks(data, shots=3, queries=9)[0:200]
    assert torch.equal(tasks.query.x.any(2), tasks.query.mask)
    assert torch.equal(tasks.query.y.any(2), tasks.query.mask)
    assert set(tasks.query.mask.sum(1).tolist()) == {1, 9}


def test_a_task_is_the_same_in_any_batch_and_order(write):
    source = table(write()).test
    some = source[[5, 2, 5]]
    for position, index in enumerate([5, 2, 5]):
        assert torch.equal(source[index].support.x, some.support.x[position])
        assert torch.equal(source[index].query.y, some.query.y[position])
    assert not torch.equal(source[0:9].support.x, source.with_(seed=1)[0:9].support.x)


def test_patients_and_rows_are_drawn_uniformly(write):
    source = table(write()).train
    tasks = source[0:6_000]
    names, counts = np.unique(source.names(range(6_000)), return_counts=True)
    assert set(names) == set(source.data.names)
    expected = 6_000 / len(names)
    assert ((counts - expected) ** 2 / expected).sum() < 35  # 5 degrees of freedom, one in a million
    of_first = tasks.support.x[[name == names[0] for name in source.names(range(6_000))], :, 0]
    _, counts = of_first.unique(return_counts=True)
    expected = of_first.numel() / SIZES[int(names[0][1:])]
    assert len(counts) == SIZES[int(names[0][1:])]
    assert ((counts - expected) ** 2 / expected).sum() < 60


def test_patients_are_dealt_to_one_split_each(write):
    splits = table(write())
    parts = [set(getattr(splits, split).data.names) for split in SPLITS]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert len(set.union(*parts)) == 10
    given = {"train": ["p0", "p1"], "validation": ["p2"], "test": ["p9"]}
    splits = table(write(), splits=given)
    assert {split: list(getattr(splits, split).data.names) for split in SPLITS} == given


def test_the_scale_is_that_of_the_training_patients(write):
    splits = table(write())
    data = splits.train.data
    for values in (data.x, data.y):
        assert torch.allclose(values.mean(0), torch.zeros(values.shape[1]), atol=1e-5)
        assert torch.allclose(values.std(0, correction=0), torch.ones(values.shape[1]), atol=1e-5)
    assert abs(splits.test.data.x.mean()) > 1e-3
    assert splits.scaling.columns == ("age", "dose")


def test_new_rows_are_scaled_the_same_way(write):
    path = write()
    splits = table(path)
    rows = [row for row in read_table(path).rows() if row["patient"] == splits.test.data.names[0]]
    count = len(rows)
    assert torch.equal(splits.scaling.rows(rows), splits.test.data.x[:count])
    assert torch.equal(splits.scaling.targets(rows), splits.test.data.y[:count])
    restored = splits.scaling.restore(splits.scaling.targets(rows)).flatten().tolist()
    assert restored == pytest.approx([float(row["score"]) for row in rows], rel=1e-5)
    assert splits.scaling.rows([]).shape == (0, 2)


def test_the_scale_survives_json(write):
    for target, drop in (("score", ["note", "grade"]), ("grade", ["note", "score"])):
        scaling = table(write(), target=target, drop=drop).scaling
        assert Scaling(**json.loads(json.dumps(dataclasses.asdict(scaling)))) == scaling


def test_new_rows_that_cannot_be_scaled_are_named(write):
    scaling = table(write()).scaling
    with pytest.raises(DataError, match="Row 2 has no column 'dose'; it has age"):
        scaling.rows([{"age": 1, "dose": 2}, {"age": 1}])
    with pytest.raises(DataError, match="Row 2, column 'age': expected a finite number; got 'old'"):
        scaling.rows([{"age": 1, "dose": 2}, {"age": "old", "dose": 1}])
    scaling = table(write(), target="grade", drop=["note", "score"]).scaling
    with pytest.raises(
        DataError, match="Row 1, column 'grade': expected one of the classes high, low, middle; got 'no'"
    ):
        scaling.targets([{"grade": "no"}])
    with pytest.raises(DataError, match="'grade' is a class"):
        scaling.restore(torch.zeros(1))


def test_words_as_target_are_classes_with_one_meaning(write):
    splits = table(write(), target="grade", drop=["note", "score"])
    assert splits.scaling.classes == ("high", "low", "middle")
    tasks = splits.train[0:20]
    assert tasks.ways == 3
    assert tasks.support.y.dtype == torch.int64
    dose = (tasks.support.x[..., 1] * splits.scaling.stds[1] + splits.scaling.means[1]).round().long()
    assert torch.equal(tasks.support.y, torch.tensor([1, 2, 0])[dose])
    assert splits.train.describe()["ways"] == 3


def test_a_constant_column_is_zero_but_for_rounding(write):
    rows = [[*row[:3], 0.1, *row[4:]] for row in cells()]
    splits = table(write(rows))
    assert splits.train.data.x[:, 1].abs().max() < 1e-12
    assert splits.scaling.stds[1] == 1


def test_flat_mixes_the_patients(write):
    splits = table(write())
    batch = splits.train.flat(size=64)[0:30]
    assert batch.support.x.shape == (30, 0, 2)
    assert batch.query.y.shape == (30, 64, 1)
    assert len(batch.query.x[..., 0].unique()) == len(splits.train.data.x)
    assert torch.equal(splits.train.flat(size=64)[7].query.x, batch.query.x[7])
    assert splits.train.flat().describe()["name"] == "study"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_byte_order_marks_are_seen(write, delimiter, encoding):
    splits = table(write(delimiter=delimiter, encoding=encoding))
    assert splits.scaling.columns == ("age", "dose")


def test_inputs_may_be_chosen(write):
    splits = table(write(), inputs=["dose"], drop=())
    assert splits.scaling.columns == ("dose",)
    assert splits.train[0].support.x.shape == (3, 1)


def spoilt(column, row, value):
    rows = list(cells())
    rows[row][HEADER.index(column)] = value
    return rows


@pytest.mark.parametrize("value", ["", "nan", "NaN", "inf", "-inf", "1e999", "old", "1,5", "1_0", "?"])
@pytest.mark.parametrize("column", ["age", "score"])
def test_a_cell_that_is_no_number_is_named_with_its_line(write, column, value):
    with pytest.raises(DataError) as caught:
        table(write(spoilt(column, 6, value)))
    for part in ("line 8", repr(column), repr(value)):
        assert part in str(caught.value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(codec="utf-8"), max_size=8), row=st.integers(0, sum(SIZES) - 1))
def test_any_text_in_a_cell_is_a_number_or_named(write, value, row):
    path = write(spoilt("age", row, value))
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and "_" not in value:
        message = ""
        try:
            assert torch.isfinite(table(path).train.data.x).all()
        except DataError as error:
            message = str(error)
        assert not message or "'age' has numbers too large" in message
    else:
        with pytest.raises(DataError) as caught:
            table(path)
        assert "'age'" in str(caught.value)
        assert repr(value.strip()) in str(caught.value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.text('ab,;\t\n"1.\x00', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    message = ""
    try:
        read = read_table(path)
        assert {len(column) for column in read.columns.values()} == {len(read.lines)}
    except DataError as error:
        message = str(error)
    assert not message or "any.csv" in message


def test_a_text_column_is_named_with_the_remedy(write):
    with pytest.raises(DataError, match=r"'note'.*holds text \(line 2: 'text'\).*drop=\['note'\], or encode"):
        table(write(), drop=["grade"])


@pytest.mark.parametrize("column", ["patient", "grade"])
@pytest.mark.parametrize("value", ["", "NA"])
def test_a_missing_name_is_named_with_its_line(write, column, value):
    with pytest.raises(DataError, match=rf"line 5, column '{column}': expected a name; got '{value}'"):
        table(write(spoilt(column, 3, value)), target="grade", drop=["note", "score"])


def test_numbers_too_large_are_named(write):
    with pytest.raises(DataError, match="'age' has numbers too large"):
        table(write([[row[0], 1e300 * row[1], *row[2:]] for row in cells()]))


@pytest.mark.parametrize("what", ["task", "target", "inputs", "drop"])
def test_a_missing_column_is_named_with_those_there_are(write, what):
    value = "weight" if what in ("task", "target") else ["weight"]
    with pytest.raises(DataError, match=rf"no column 'weight' \({what}\); it has 'patient', 'age'"):
        table(write(), **{what: value})


def test_columns_used_twice_are_refused(write):
    with pytest.raises(ConfigurationError, match="'score' for both"):
        table(write(), task="score")
    with pytest.raises(DataError, match="neither task 'patient', target 'score' nor dropped"):
        table(write(), inputs=["age", "score"])
    with pytest.raises(ConfigurationError, match=r"drop must be a list of column names; got 'note'. Write \['note'\]"):
        table(write(), drop="note")


def test_tasks_with_too_few_rows_are_named(write):
    with pytest.raises(DataError, match=r"6 shots and a query need 7 rows.*'p0' \(6\)"):
        table(write(), shots=6, splits={"train": ["p0", "p1"], "validation": ["p2"], "test": ["p3"]})
    with pytest.raises(DataError, match="12 rows of each task"):
        table(write()).train.with_(shots=11)


def test_too_few_tasks_are_an_error(write):
    with pytest.raises(DataError, match="test split gets 0 of 2 tasks"):
        table(write([row for row in cells() if row[0] in ("p0", "p1")]))


def test_one_class_is_not_enough(write):
    with pytest.raises(DataError, match="the one class 'same'"):
        table(write([[*row[:5], "same"] for row in cells()]), target="grade", drop=["note", "score"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has 0 lines"),
        ("a,b,c\n", "has 1 lines"),
        ("a,b\n1,2\n", "at least three columns"),
        ("a,b,a\n1,2,3\n", "different names"),
        ("a,b,c\n1,2,3\n\n1,2\n", "line 4: expected 3 cells, as in the header; got 2"),
        ('a,b,c\n1,"2,3\n', "Cannot read the table"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path, content, message):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "bad.csv")
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv")


def test_a_column_without_a_name_can_be_dropped_by_its_number(write):
    rows = [[number, *row] for number, row in enumerate(cells())]
    path = write(rows, header=["", *HEADER])
    assert table(path, drop=["column 1", "note", "grade"]).scaling.columns == ("age", "dose")


def ages(splits, examples):
    return (examples.x[..., 0] * splits.scaling.stds[0] + splits.scaling.means[0]).round()


def test_support_rows_may_be_the_first_ones_by_a_column(write):
    shuffled = sorted(cells(), key=lambda row: (row[1] * 7919) % 101)
    splits = table(write(shuffled), order="age")
    for split in SPLITS:
        source = getattr(splits, split)
        tasks = source[0:40]
        support, query = ages(splits, tasks.support), ages(splits, tasks.query)
        for row, name in enumerate(source.names(range(40))):
            own = sorted(r[1] for r in cells() if r[0] == name)
            assert support[row].tolist() == own[:3]  # the first, in their order
            seen = query[row][tasks.query.mask[row]].tolist()
            assert set(seen) <= set(own[3:])
            assert len(set(seen)) == len(seen) == min(4, len(own) - 3)
    query = splits.train[0:400].query
    assert len(ages(splits, query)[query.mask].unique()) == sum(
        SIZES[int(name[1:])] - 3 for name in splits.train.data.names
    )  # every later row comes up
    assert splits.test.describe()["ordered"] is True
    assert "ordered" not in table(write()).test.describe()
    assert torch.equal(splits.test[5].query.x, splits.test[3:7].query.x[2])


def test_equal_times_keep_the_order_of_the_file(write):
    splits = table(write([[*row[:3], 1, *row[4:]] for row in cells()]), order="dose")
    name = splits.test.names([0])[0]
    assert ages(splits, splits.test[0].support).tolist() == [r[1] for r in cells() if r[0] == name][:3]


def test_an_order_that_is_no_number(write):
    with pytest.raises(DataError, match=r"no column 'day' \(order\)"):
        table(write(), order="day")
    with pytest.raises(DataError, match=r"'note' of .* holds text"):
        table(write(), order="note")


@pytest.mark.parametrize("folds", [3, 4, 10])
def test_over_all_folds_each_task_is_tested_once(write, folds):
    everyone, tested, validated = {f"p{i}" for i in range(10)}, [], []
    for number in range(folds):
        splits = table(write(), folds=folds, fold=number)
        train, validation, test = (set(getattr(splits, split).data.names) for split in SPLITS)
        assert train | validation | test == everyone
        assert len(train) + len(validation) + len(test) == 10
        tested.append(test)
        validated.append(validation)
    assert set.union(*tested) == everyone
    assert sum(map(len, tested)) == 10
    assert validated == [*tested[1:], tested[0]]


def test_folds_that_cannot_be(write):
    for folds, number in ((2, 0), (4, 4), (4, -1)):
        with pytest.raises(ConfigurationError, match=f"got folds={folds}, fold={number}"):
            table(write(), folds=folds, fold=number)
    with pytest.raises(DataError, match="11 folds need as many tasks; there are 10"):
        table(write(), folds=11)
    with pytest.raises(ConfigurationError, match="Name one of them"):
        table(write(), folds=4, splits=(0.5, 0.25, 0.25))


def test_neither_the_task_nor_what_was_dropped_is_an_input(write):
    rows = [[i, *row] for i, row in enumerate(cells())]
    header = ["subject#", "patient", *HEADER[1:-2], "total", "grade"]
    path = write(rows, header)
    splits = table(path, target="dose", task="patient", drop=["note", "total", "grade", "subject#"])
    assert splits.scaling.columns == ("age",)
    # what was dropped may hold anything: no input changes
    spoilt = [[999 - i, *row[:4], -7.5, row[5]] for i, row in enumerate(cells())]
    again = table(write(spoilt, header), target="dose", task="patient", drop=["note", "total", "grade", "subject#"])
    assert torch.equal(again.test[0].support.x, splits.test[0].support.x)


@pytest.mark.data
def test_parkinsons_telemonitoring():
    data = needs.data("parkinsons-telemonitoring") / "parkinsons_updrs.data"
    splits = Table(data, task="subject#", target="motor_UPDRS", drop=["total_UPDRS"])
    sources = [getattr(splits, split) for split in SPLITS]
    assert [source.describe()["distinct"] for source in sources] == [27, 7, 8]
    assert sum(len(source.data.x) for source in sources) == 5_875
    assert splits.test[0:5].support.x.shape == (5, 10, 19)
    assert splits.test[0:500].query.mask.all()
    assert not {"subject#", "total_UPDRS", "motor_UPDRS"} & set(splits.scaling.columns)
    assert "test_time" in splits.scaling.columns
    ordered = Table(
        data, "subject#", "motor_UPDRS", drop=["total_UPDRS"], order="test_time", folds=6, fold=2, shots=5, queries=20
    )
    assert [len(getattr(ordered, split).data.names) for split in SPLITS] == [28, 7, 7]
    time = ordered.scaling.columns.index("test_time")
    tasks = ordered.test[0:50]
    assert (tasks.support.x[..., time].diff(dim=1) >= 0).all()
    assert (tasks.query.x[..., time].amin(1) >= tasks.support.x[..., time].amax(1)).all()
