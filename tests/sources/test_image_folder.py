import json
import os
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources import _image_folder
from innerloop.sources._base import SPLITS
from innerloop.sources._image_folder import ImageFolder
from innerloop.sources._partition import partition
from innerloop.sources._pictures import Pictures

NAMES = [f"{kind}/{kind}{i:02d}" for kind in ("apple", "cherry") for i in range(10)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


@pytest.fixture
def root(tmp_path):
    """Twenty classes of four pictures, each of one colour: the red is the class, the green the picture."""
    root = tmp_path / "fruit"
    for number, name in enumerate(NAMES):
        (root / name).mkdir(parents=True)
        for picture in range(4):
            pixels = np.full((12, 10, 3), (10 * number, 50 * picture, 0), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{picture}.png")
    return root


def folder(root, **changes):
    return ImageFolder(root, **{"ways": 3, "shots": 1, "queries": 2, "size": 6, **changes})


def classes_of(splits):
    return {split: set(getattr(splits, split).data.names) for split in SPLITS}


def test_tasks_hold_the_pictures_of_their_classes(root):
    splits = folder(root)
    assert splits.pictures == Pictures(size=6)
    assert splits.train.describe()["name"] == "fruit"
    for split in SPLITS:
        source = getattr(splits, split)
        for index in range(5):
            task = source[index]
            assert task.support.x.shape == (3, 3, 6, 6)
            assert task.query.x.shape == (6, 3, 6, 6)
            numbers = (task.query.x[:, 0, 0, 0] * 25.5).round().long()
            names = source.classes(index)
            assert [NAMES[number] for number in numbers] == [names[label] for label in task.query.y]


def test_classes_are_dealt_by_their_names_alone(root):
    one, other = classes_of(folder(root, seed=3, grey=True)), classes_of(folder(root, shots=2))
    assert one == other
    assert [len(one[split]) for split in SPLITS] == [13, 3, 4]
    assert set.union(*one.values()) == set(NAMES)


def test_folders_of_classes_are_groups(root):
    tasks = folder(root).train.with_(within_groups=True)
    assert all(len({name.split("/")[0] for name in tasks.classes(index)}) == 1 for index in range(20))


@pytest.mark.parametrize("key", ["validation", "val"])
def test_a_given_split_is_kept_and_may_leave_classes_out(root, tmp_path, key):
    given = {"train": NAMES[:5], key: NAMES[5:8], "test": NAMES[8:12]}
    expected = {"train": set(NAMES[:5]), "validation": set(NAMES[5:8]), "test": set(NAMES[8:12])}
    assert classes_of(folder(root, splits=given)) == expected
    (tmp_path / "splits.json").write_text(json.dumps(given))
    assert classes_of(folder(root, splits=tmp_path / "splits.json")) == expected


def test_pictures_are_decoded_once(root, cache, monkeypatch):
    first = folder(root)
    assert len(list(cache.iterdir())) == 1
    with monkeypatch.context() as patch:
        patch.setattr(Pictures, "load", lambda *_: pytest.fail("decoded again"))
        again = folder(root)
        assert torch.equal(first.test[3].query.x, again.test[3].query.x)
    Image.new("RGB", (7, 7), (255, 255, 255)).save(root / NAMES[0] / "0.png")
    split = next(split for split in SPLITS if NAMES[0] in classes_of(first)[split])
    assert (getattr(folder(root), split).data.rows == 255).flatten(1).all(1).any()  # a changed picture is seen
    assert folder(root, grey=True).train[0].support.x.shape == (3, 1, 6, 6)
    assert len(list(cache.iterdir())) == 3
    os.utime(root / NAMES[0] / "0.png", ns=(0, 0))  # so would be one of the same length
    folder(root)
    assert len(list(cache.iterdir())) == 4


def test_a_damaged_cache_is_made_again_and_none_is_fine(root, cache):
    first = folder(root)
    (stored,) = cache.iterdir()
    stored.write_bytes(stored.read_bytes()[:100])
    assert torch.equal(folder(root).train.data.rows, first.train.data.rows)
    stored.unlink()
    assert torch.equal(folder(root, cache=False).train.data.rows, first.train.data.rows)
    assert not list(cache.iterdir())


def test_classes_with_too_few_pictures_are_named_before_any_is_decoded(root, monkeypatch):
    monkeypatch.setattr(Pictures, "load", lambda *_: pytest.fail("decoded"))
    for name in NAMES[2:4]:
        (root / name / "3.png").unlink()
    with pytest.raises(DataError, match=r"2 classes have fewer: 'apple/apple02' \(3\), 'apple/apple03' \(3\)\. Use"):
        folder(root, queries=3)


def test_a_damaged_picture_is_named(root):
    (root / NAMES[7] / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"apple07/2.png"):
        folder(root)
    (root / NAMES[7] / "2.png").unlink()
    (root / NAMES[7] / "2.png").symlink_to(root / "gone.png")
    with pytest.raises(DataError, match=r"apple07/2.png"):
        folder(root)


def test_too_few_classes_are_an_error_with_a_remedy(root):
    with pytest.raises(DataError, match=r"validation split gets 3 of 20 classes; expected at least 4.*fewer `ways`"):
        folder(root, ways=4)
    assert len(folder(root, ways=4, splits=(0.5, 0.25, 0.25)).validation.data.names) == 5


@pytest.mark.parametrize(
    ("splits", "error", "message"),
    [
        (
            {"train": ["apple"], "validation": [], "test": []},
            DataError,
            "'apple', which is none of the 20 classes",
        ),
        (
            {"train": NAMES[:5], "validation": NAMES[4:9], "test": NAMES[9:]},
            DataError,
            "'apple/apple04' is in the train",
        ),
        (
            {"train": NAMES[:5], "tests": NAMES[4:9]},
            ConfigurationError,
            "must name train, validation, test; got 'train'",
        ),
        (
            {"train": "apple", "validation": [], "test": []},
            ConfigurationError,
            "must be a list of names; got 'apple'",
        ),
        ((0.5, 0.5), ConfigurationError, r"three shares that add up to 1.*\(0.5, 0.5\)"),
        ((0.5, 0.5, 0.5), ConfigurationError, "three shares that add up to 1"),
        ((1.5, -0.5, 0.0), ConfigurationError, "three shares that add up to 1"),
        (7, ConfigurationError, "got 7"),
        ("nowhere.json", DataError, "Cannot read the splits file 'nowhere.json'"),
    ],
)
def test_splits_that_cannot_be_are_refused(root, splits, error, message):
    with pytest.raises(error, match=message):
        folder(root, splits=splits)


@pytest.mark.parametrize("content", ["[1, 2]", "{", "\x00"])
def test_a_splits_file_that_is_none_is_named(root, tmp_path, content):
    (tmp_path / "splits.json").write_text(content)
    with pytest.raises(DataError, match=r"splits.json"):
        folder(root, splits=str(tmp_path / "splits.json"))


@given(st.sets(st.text(max_size=4), min_size=10, max_size=60))
def test_every_name_is_dealt_once_and_the_order_given_does_not_count(names):
    parts = partition(sorted(names), None)
    assert sorted(chain(*parts.values())) == sorted(names)
    assert partition(sorted(names, reverse=True), (0.64, 0.16, 0.2)) == parts
    more = partition([*names, "one more"], None)  # moves a name over each cut at most
    assert len(set(parts["test"]) - set(more["test"])) <= 1
    assert len(set(more["train"]) - {"one more"} - set(parts["train"])) <= 1


def test_reading_is_by_class_in_the_order_of_the_rows(root):
    folders = {name: [root / name / f"{i}.png" for i in range(4)] for name in NAMES[:3]}
    rows = _image_folder.decoded(root, folders, Pictures(size=2), cache=False)
    assert rows[:, 0, 0, 0].tolist() == [0] * 4 + [10] * 4 + [20] * 4
    assert rows[:, 1, 0, 0].tolist() == [0, 50, 100, 150] * 3
