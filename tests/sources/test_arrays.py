import numpy as np
import pytest
import torch

from innerloop.errors import DataError
from innerloop.sources._arrays import from_arrays
from innerloop.sources._base import SPLITS

Y = np.arange(120) % 15
X = np.stack([Y, np.arange(120)], axis=1).astype(np.float64)


def splits_of(x=X, y=Y, **changes):
    return from_arrays(x, y, **{"ways": 2, "shots": 2, "queries": 3, **changes})


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("as_words", [False, True])
def test_tasks_hold_the_rows_of_their_classes(as_tensor, as_words):
    x = torch.from_numpy(X) if as_tensor else X
    y = [f"class {label}" for label in Y] if as_words else torch.from_numpy(Y) if as_tensor else Y
    splits = splits_of(x, y)
    for split in SPLITS:
        source = getattr(splits, split)
        for index in range(10):
            task = source[index]
            assert task.query.x.dtype == torch.float32
            names = [name.removeprefix("class ") for name in source.classes(index)]
            assert [str(int(label)) for label in task.query.x[:, 0]] == [names[slot] for slot in task.query.y]
            rows = torch.cat([task.support.x[:, 1], task.query.x[:, 1]])
            assert len(rows.unique()) == 10


def test_classes_are_dealt_by_their_names_alone():
    order = np.random.default_rng(0).permutation(len(Y))
    one, other = splits_of(), splits_of(X[order], Y[order], seed=4)
    for split in SPLITS:
        assert getattr(one, split).data.names == getattr(other, split).data.names
    assert [len(getattr(one, split).data.names) for split in SPLITS] == [10, 2, 3]


def test_a_given_split_is_kept():
    given = {"train": [0, 1, 2], "validation": ["3", "4"], "test": [13, 14]}
    splits = splits_of(splits=given)
    assert splits.train.data.names == ["0", "1", "2"]
    assert splits.test.data.names == ["13", "14"]


def test_tasks_stay_within_groups():
    splits = splits_of(groups=[f"group {label % 2}" for label in Y], splits=(0.6, 0.2, 0.2))
    for index in range(30):
        assert len({int(name) % 2 for name in splits.train.classes(index)}) == 1


def test_bytes_are_pictures():
    splits = splits_of(np.full((120, 1, 4, 4), 255, dtype=np.uint8))
    assert splits.train[0].support.x.shape == (4, 1, 4, 4)
    assert (splits.train[0].support.x == 1).all()


def test_the_callers_arrays_are_not_shared():
    x = torch.tensor(X, dtype=torch.float32)
    splits = splits_of(x)
    before = splits.train[0].query.x.clone()
    x.fill_(7)
    assert torch.equal(splits.train[0].query.x, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_values_that_are_no_numbers_are_named_with_their_row(bad):
    x = X.copy()
    x[17, 1] = bad
    with pytest.raises(DataError, match="NaN or infinity in 1 rows, the first of them row 17"):
        splits_of(x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y[:-1]}, "same number of rows; got 120 and 119"),
        (
            {"y": Y.astype(float)},
            r"y must be one whole number or string per example; got float64.*astype\(int\)",
        ),
        ({"y": np.eye(15)[Y]}, r"y must be .* shape \(120, 15\)"),
        ({"y": [None, *Y[1:]]}, "y must be one whole number or string"),
        ({"x": [["a"]] * 120}, "x must be an array or a tensor of numbers; got list"),
        ({"x": X.astype(complex)}, "real numbers"),
        ({"x": np.zeros((0, 3)), "y": Y[:0]}, "one row per example"),
        ({"x": 3.0}, "one row per example"),
        ({"groups": Y[:-1]}, "groups and y must have the same number of rows; got 119 and 120"),
        ({"groups": np.arange(120) % 2}, "one group; class '0' has"),
        ({"ways": 3}, "validation split gets 2 of 15 classes; expected at least 3"),
        ({"queries": 7}, "has 8 examples; 2 shots and 7 queries need 9"),
        (
            {"splits": {"train": ["zero"], "validation": [], "test": []}},
            "'zero', which is none of the 15 classes",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        splits_of(**changes)
