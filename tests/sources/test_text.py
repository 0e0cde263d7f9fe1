import csv
import json

import numpy as np
import pytest
import torch

from innerloop.errors import DataError
from innerloop.sources import HashedNgrams, Text
from innerloop.sources._base import SPLITS
from innerloop.sources._text_file import read_texts

VERBS = ("open", "close", "sell", "buy", "find", "drop", "lift", "move", "wash", "dry")
NOUNS = ("door", "window", "box", "book", "chair", "lamp")
PAIRS = [(f"please {verb} the {noun}", verb) for verb in VERBS for noun in NOUNS]
SETTINGS = {"ways": 2, "shots": 2, "queries": 3, "dimensions": 512}


def texts(data=PAIRS, **changes):
    return Text(data, **{**SETTINGS, **changes})


def write_csv(path, pairs=PAIRS, header=("text", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *pairs])
    return path


def test_classes_are_divided_and_tasks_hold_their_texts():
    source = texts()
    parts = [set(getattr(source, split).data.names) for split in SPLITS]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 10
    vectors = {verb: source.encoder([t for t, v in PAIRS if v == verb]) for verb in VERBS}
    task = source.test[3]
    for label, verb in enumerate(source.test.classes(3)):
        for row in task.support.x[task.support.y == label]:
            assert (row == vectors[verb]).all(1).any()
    rows = torch.cat([task.support.x, task.query.x])
    assert len(rows.unique(dim=0)) == len(rows) == 10  # no text twice in a task


def test_weights_come_from_the_training_classes_alone():
    source = texts()
    train = [t for verb in source.train.data.names for t, v in PAIRS if v == verb]
    assert source.encoder == HashedNgrams(512).fit(train)
    assert source.encoder != HashedNgrams(512).fit([t for t, _ in PAIRS])


def test_files_give_what_pairs_give(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(PAIRS))
    (tmp_path / "b.json").write_text(json.dumps([{"text": t, "label": v} for t, v in PAIRS]))
    (tmp_path / "c.json").write_text(json.dumps([{"said": t, "intent": v, "id": 3} for t, v in PAIRS]))
    expected = texts().test[0:5]
    for data, more in (
        (tmp_path / "a.json", {}),
        (tmp_path / "b.json", {}),
        (tmp_path / "c.json", {"text": "said", "label": "intent"}),
        (write_csv(tmp_path / "d.csv"), {}),
        (write_csv(tmp_path / "e.csv", header=["said", "intent"]), {"text": "said", "label": "intent"}),
    ):
        assert torch.equal(texts(data, **more).test[0:5].query.x, expected.query.x)


def test_splits_may_be_given(tmp_path):
    given = {"train": list(VERBS[:4]), "validation": list(VERBS[4:6]), "test": list(VERBS[6:])}
    (tmp_path / "splits.json").write_text(json.dumps(given))
    for splits in (given, tmp_path / "splits.json"):
        source = texts(splits=splits)
        assert {split: set(getattr(source, split).data.names) for split in SPLITS} == {
            split: set(names) for split, names in given.items()
        }


def test_groups_keep_the_classes_of_a_task_together():
    groups = {verb: "one" if i % 2 else "two" for i, verb in enumerate(VERBS)}
    source = texts(groups=groups, splits={"train": VERBS[:4], "validation": VERBS[4:8], "test": VERBS[8:]}, ways=1)
    source = source.train.with_(ways=2)
    for index in range(20):
        assert len({groups[name] for name in source.classes(index)}) == 1
    with pytest.raises(DataError, match="class 'move' has none"):
        texts(groups={verb: "x" for verb in VERBS if verb != "move"})


def test_repeats_count_once_and_texts_of_two_classes_not_at_all():
    more = [PAIRS[0], PAIRS[0], (PAIRS[6][0], "open"), *PAIRS]
    counts = {}
    source = texts(more, queries=2)
    for split in SPLITS:
        data = getattr(source, split).data
        counts |= dict(zip(data.names, data.counts, strict=True))
    assert counts == {verb: 6 for verb in VERBS} | {"close": 5}


def test_any_encoder_serves():
    seen = []

    def lengths(batch):
        seen.extend(batch)
        return [[len(text), text.count("e")] for text in batch]

    source = texts(encoder=lengths)
    assert source.train[0].support.x.shape == (4, 2)
    assert sorted(seen) == sorted(t for t, _ in PAIRS)
    assert source.encoder is lengths
    for form in (lambda b: torch.ones(len(b), 3, dtype=torch.float16), lambda b: np.ones((len(b), 3))):
        assert texts(encoder=form).test[0].query.x.dtype == torch.float32


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (lambda batch: torch.ones(3, 2), r"a row for each of the \d+ texts, shape \(N, D\); got \(3, 2\)"),
        (lambda batch: torch.ones(len(batch)), r"got \(\d+,\)"),
        (lambda batch: ["a"] * len(batch), "array or a tensor of shape"),
        (lambda batch: torch.full((len(batch), 2), float("nan")), "NaN"),
    ],
)
def test_encoders_that_give_something_else(encoder, said):
    with pytest.raises(DataError, match=said):
        texts(encoder=encoder)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([("a", "x"), "b"], "the pairs, entry 2: expected a text and a label; got 'b'"),
        ([("a", "x"), ("b",)], "entry 2: expected a text and a label"),
        ([(" ", "x")], "entry 1: expected a text; got ' '"),
        ([(3, "x")], "expected a text; got 3"),
        ([("a", " ")], "expected a label for 'a'"),
        ([("a", "x"), ("a", "y"), ("b", "y")], "Class 'x' has no text that is its own"),
        (PAIRS[:12], "train split gets 1 of 2 classes; expected at least 2"),
    ],
)
def test_texts_that_cannot_be_used(data, said):
    with pytest.raises(DataError, match=said):
        texts(data)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", r"Cannot read the texts .*a\.json"),
        ("a.json", "{}", "holds a dict; expected a list"),
        ("a.json", '[{"text": "a"}]', "entry 1 has no 'label'; it has 'text'"),
        ("a.json", '[["a", "b", "c"]]', "entry 1: expected a text and a label"),
        ("a.csv", "text,other\na,b\n", "has no column 'label'; it has 'text', 'other'"),
        ("a.csv", "text,label\na,x\n,y\n", "line 3: expected a text"),
        ("a.csv", "text,label\na,\n", "line 2: expected a label for 'a'"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        read_texts(tmp_path / name)
    with pytest.raises(DataError, match="nowhere"):
        read_texts(tmp_path / f"nowhere{name}")


def test_too_few_texts_name_the_class():
    with pytest.raises(DataError, match="has 6 examples; 2 shots and 9 queries need 11"):
        texts(queries=9)
