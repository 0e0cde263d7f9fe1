"""The contract of task sources, tried on classification tasks whose inputs say which row they are."""

import math

import pytest
import torch
from torch.utils._pytree import tree_leaves

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks

CLASSES, EACH = 12, 9


def numbered(groups=None, transform=None, each=EACH):
    rows = torch.arange(float(CLASSES * each))[:, None]
    return ClassData(rows, [each] * CLASSES, [f"class {i}" for i in range(CLASSES)], groups, transform)


def rows_of(examples):
    return examples.x[..., 0].long()


def assert_same(one, other):
    for a, b in zip(tree_leaves(one), tree_leaves(other), strict=True):
        assert torch.equal(a, b)


def assert_uniform(counts):
    """Chi-square at about one in 100,000; Wilson and Hilferty's approximation of the quantile."""
    counts = counts.double()
    expected = counts.mean()
    assert expected > 20
    df = counts.numel() - 1
    quantile = df * (1 - 2 / (9 * df) + 4.26 * math.sqrt(2 / (9 * df))) ** 3
    assert float(((counts - expected) ** 2 / expected).sum()) < quantile


SOURCES = {
    "plain": ClassTasks(numbered(), ways=3, shots=2, queries=4),
    "groups": ClassTasks(numbered([0] * 5 + [1] * 7), ways=3, shots=2, queries=4, within_groups=True),
    "varied": ClassTasks(numbered(transform=lambda x, keys: x + keys[:, None] % 97), ways=3, shots=2, queries=4),
    "flat": ClassTasks(numbered(), 3, 2, 4).flat(7),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_task_is_the_same_in_any_batch_and_order(source):
    many = source[0:40]
    shuffled = [31, 2, 2, 17]
    some = source[shuffled]
    for position, index in enumerate(shuffled):
        assert_same(source[index], some.map(lambda leaf, at=position: leaf[at]))
        assert_same(source[index], many.map(lambda leaf, at=index: leaf[at]))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_numbers_seeds_and_splits_give_other_tasks(source):
    assert not torch.equal(source[0].query.x, source[1].query.x)
    assert not torch.equal(source[0].query.x, source.with_(seed=1)[0].query.x)
    assert not torch.equal(source[0].query.x, source.with_(split="test")[0].query.x)


def test_tasks_do_not_change_between_versions():
    task = ClassTasks(numbered(), ways=3, shots=1, queries=2)[7]
    assert (rows_of(task.support).tolist(), task.support.y.tolist()) == ([60, 31, 78], [0, 1, 2])
    assert (rows_of(task.query).tolist(), task.query.y.tolist()) == (
        [56, 59, 35, 76, 77, 30],
        [0, 0, 1, 2, 2, 1],
    )


def test_shapes_labels_and_masks():
    tasks = ClassTasks(numbered(), ways=3, shots=2, queries=4)[5:9]
    assert tasks.support.x.shape == (4, 6, 1)
    assert tasks.query.y.shape == (4, 12)
    assert tasks.ways == 3
    assert tasks.index.tolist() == [5, 6, 7, 8]
    assert tasks.support.mask.all()
    assert tasks.query.mask.all()
    for y, each in ((tasks.support.y, 2), (tasks.query.y, 4)):
        assert all(torch.bincount(row).tolist() == [each] * 3 for row in y)


def test_no_batch_of_tasks_is_fine():
    assert ClassTasks(numbered(), ways=3, shots=2, queries=4)[[]].support.x.shape == (0, 6, 1)


def test_a_row_is_in_a_task_once_and_has_the_label_of_its_class():
    source = ClassTasks(numbered(), ways=3, shots=2, queries=7)  # takes every row of a class
    tasks = source[0:200]
    rows = torch.cat([rows_of(tasks.support), rows_of(tasks.query)], 1)
    labels = torch.cat([tasks.support.y, tasks.query.y], 1)
    assert all(len(row.unique()) == row.numel() for row in rows)
    for index in range(20):
        names = source.classes(index)
        assert [names[label] for label in labels[index]] == [f"class {row // EACH}" for row in rows[index]]


def test_classes_labels_and_rows_are_drawn_uniformly():
    source = ClassTasks(numbered(), ways=3, shots=1, queries=1)
    tasks = source[0:12_000]
    rows, labels = rows_of(tasks.support), tasks.support.y
    in_slot = torch.zeros(len(rows), 3, dtype=torch.int64).scatter_(1, labels, rows // EACH)
    assert_uniform(torch.bincount(in_slot[:, 0], minlength=CLASSES))
    pairs = torch.bincount(in_slot[:, 0] * CLASSES + in_slot[:, 1], minlength=CLASSES**2)
    assert_uniform(pairs[torch.arange(CLASSES**2) % (CLASSES + 1) != 0])  # a class never fills two slots
    assert_uniform(torch.bincount(rows.flatten(), minlength=CLASSES * EACH))
    assert_uniform(torch.bincount(rows_of(tasks.query).flatten(), minlength=CLASSES * EACH))
    orders = labels[:, 0] * 3 + labels[:, 1]
    assert_uniform(torch.bincount(orders, minlength=9)[torch.tensor([1, 2, 3, 5, 6, 7])])


def test_splits_and_seeds_are_drawn_independently():
    first = ClassTasks(numbered(), ways=3, shots=1, queries=1)
    for other in (first.with_(seed=1), first.with_(split="test")):
        one, two = (rows_of(source[0:12_000].support)[:, 0] // EACH for source in (first, other))
        assert_uniform(torch.bincount(one * CLASSES + two, minlength=CLASSES**2))


def test_all_classes_of_a_task_within_groups_are_of_one_group():
    groups = [0] * 2 + [1] * 4 + [2] * 6
    source = ClassTasks(numbered(groups), ways=3, shots=1, queries=1, within_groups=True)
    of_row = torch.tensor(groups)[rows_of(source[0:10_000].support) // EACH]
    assert (of_row == of_row[:, :1]).all()
    small, middle, large = torch.bincount(of_row[:, 0], minlength=3).tolist()
    assert small == 0  # two classes are too few for three ways
    assert abs(middle / 10_000 - 0.4) < 0.02
    assert abs(large / 10_000 - 0.6) < 0.02
    assert source.describe()["within_groups"]


def test_a_varied_row_is_varied_anew_each_time():
    data = numbered(transform=lambda x, keys: x + (keys[:, None] % 1000) / 1e4, each=2)
    task = ClassTasks(data, ways=2, shots=3, queries=5)[0]  # more than the two rows of a class
    values = torch.cat([task.support.x, task.query.x]).flatten()
    assert len(values.unique()) == 16


def test_bytes_become_brightness():
    data = ClassData(torch.tensor([[0], [255], [51], [102]], dtype=torch.uint8), [2, 2], ["a", "b"])
    x = ClassTasks(data, ways=2, shots=1, queries=1)[0:20].support.x
    assert x.dtype == torch.float32
    assert sorted(x.unique().tolist()) == pytest.approx([0.0, 0.2, 0.4, 1.0])


def test_flat_merges_the_classes():
    flat = ClassTasks(numbered(), ways=3, shots=1, queries=1).flat(size=50)
    batch = flat[0:100]
    assert batch.support.x.shape == (100, 0, 1)
    assert batch.query.x.shape == (100, 50, 1)
    assert batch.ways == CLASSES
    assert torch.equal(rows_of(batch.query) // EACH, batch.query.y)
    assert_uniform(torch.bincount(rows_of(batch.query).flatten(), minlength=CLASSES * EACH))
    assert flat.describe()["flat"] == 50


def test_with_changes_the_shape_only():
    source = ClassTasks(numbered(), ways=3, shots=1, queries=1, seed=5, split="test")
    other = source.with_(ways=4, queries=2)
    assert (other.ways, other.shots, other.queries, other.seed, other.split) == (4, 1, 2, 5, "test")
    with pytest.raises(ConfigurationError, match=r"no setting 'way'.*ways"):
        source.with_(way=3)


def test_errors_name_the_class():
    data = ClassData(torch.zeros(7, 1), [5, 2], ["many", "few"])
    with pytest.raises(DataError, match=r"'few' has 2 examples; 1 shots and 2 queries need 3"):
        ClassTasks(data, ways=2, shots=1, queries=2)
    with pytest.raises(DataError, match=r"3-way tasks need 3 classes.*validation.*has 2"):
        ClassTasks(data, ways=3, shots=1, queries=1, split="validation")
    with pytest.raises(DataError, match="largest group"):
        ClassTasks(numbered([0, 1] * 6), ways=7, within_groups=True)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(bad):
    rows = torch.zeros(6, 2, 2)
    rows[4, 1, 0] = bad
    with pytest.raises(DataError, match="Example 1 of class 'b' holds NaN or infinity"):
        ClassData(rows, [3, 3], ["a", "b"])


@pytest.mark.parametrize(("counts", "names"), [([3, 2], ["a", "b"]), ([3, 3], ["a"]), ([6], ["a", "b"])])
def test_lengths_that_do_not_fit_are_refused(counts, names):
    with pytest.raises(DataError, match="Expected one name and one count per class"):
        ClassData(torch.zeros(6, 1), counts, names)


@pytest.mark.parametrize("what", ["ways", "shots", "queries"])
def test_less_than_one_is_refused(what):
    with pytest.raises(ConfigurationError, match=f"{what} must be at least 1; got 0"):
        ClassTasks(numbered(), **{"ways": 2, "shots": 1, "queries": 1, what: 0})


def test_slices_need_an_end_and_splits_a_known_name():
    source = ClassTasks(numbered(), ways=3, shots=1, queries=1)
    with pytest.raises(ConfigurationError, match="give a slice of tasks a stop"):
        source[3:]
    assert source[2:8:3].index.tolist() == [2, 5]
    with pytest.raises(ConfigurationError, match=f"'val'.*{', '.join(SPLITS)}"):
        source.with_(split="val")[0]


def test_a_transform_may_leave_rows_distinct():
    def shifted(x, keys):
        return x + (keys[:, None] % 97) / 1000

    data = ClassData(
        torch.arange(float(CLASSES * EACH))[:, None], [EACH] * CLASSES, [f"{i}" for i in range(CLASSES)],
        transform=shifted, distinct=True,
    )  # fmt: skip
    tasks = ClassTasks(data, ways=3, shots=2, queries=7)[0:50]
    rows = torch.cat([rows_of(tasks.support), rows_of(tasks.query)], 1)
    assert all(len(each.unique()) == 27 for each in rows)
    assert (tasks.support.x != tasks.support.x.floor()).any()  # varied all the same
    with pytest.raises(DataError, match="need 10"):
        ClassTasks(data, ways=3, shots=2, queries=8)


def test_tasks_are_printed_in_one_line_whatever_they_hold():
    tasks = ClassTasks(numbered(each=30), ways=3, shots=2, queries=4)
    assert repr(tasks).startswith(
        "ClassTasks(data=ClassData(12 classes, 360 examples of 1), ways=3, shots=2, queries=4"
    )
    many = ClassData(torch.zeros(2_000, 1, 28, 28), [2] * 1_000, list(map(str, range(1_000))), transform=torch.add)
    assert repr(many).startswith("ClassData(1000 classes, 2000 examples of 1x28x28, transform=")


def test_a_family_prints_its_three_splits():
    tasks = [ClassTasks(numbered(), ways=3, shots=1, queries=4, split=split) for split in SPLITS]
    head, *lines, end = repr(Splits(*tasks)).splitlines()
    assert (head, end) == ("Splits(", ")")
    assert [line.split("=")[0].strip() for line in lines] == list(SPLITS)
    assert "split='validation'" in lines[1]
