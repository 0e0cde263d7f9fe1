"""A miniature CLINC150 stands for the real one; what needs the real texts is marked `data`."""

import json
import os

import pytest
import torch

from helpers import needs
from innerloop.errors import DataError
from innerloop.sources import Clinc150
from innerloop.sources._base import SPLITS
from innerloop.sources._clinc import split_domains

DOMAINS = {f"domain {letter}": [f"{letter}{k}" for k in range(3)] for letter in "jihgfedcba"}


@pytest.fixture
def mini(tmp_path):
    """Ten domains of three intents of four texts each; one text stands under two intents of different domains."""
    texts = {
        part: [
            [f"say {intent} {part} {i}", intent] for intents in DOMAINS.values() for intent in intents for i in range(n)
        ]
        for part, n in (("train", 2), ("val", 1), ("test", 1))
    }
    texts["val"].append(["say a0 train 0", "j0"])
    texts["test"].append(["say b1 train 1", "b1"])
    texts |= {f"oos_{part}": [["something else", "oos"]] for part in ("train", "val", "test")}
    (tmp_path / "data_full.json").write_text(json.dumps(texts))
    (tmp_path / "domains.json").write_text(json.dumps(DOMAINS))
    return tmp_path


def small(root, **changes):
    return Clinc150(root, **{"ways": 2, "shots": 1, "queries": 2, "dimensions": 128, **changes})


def test_domains_go_to_one_split_each_in_the_order_of_their_names(mini):
    source = small(mini)
    assert source.domains == {
        "train": [f"domain {c}" for c in "abcdef"],
        "validation": ["domain g", "domain h"],
        "test": ["domain i", "domain j"],
    }
    for split in SPLITS:
        expected = {intent for domain in source.domains[split] for intent in DOMAINS[domain]}
        assert set(getattr(source, split).data.names) == expected
    assert "oos" not in {name for split in SPLITS for name in getattr(source, split).data.names}


def test_texts_that_occur_twice(mini):
    source = small(mini)
    counts = {
        n: c for s in SPLITS for n, c in zip(getattr(source, s).data.names, getattr(source, s).data.counts, strict=True)
    }
    assert {name: count for name, count in counts.items() if count != 4} == {"a0": 3}


def test_tasks_within_a_domain(mini):
    source = small(mini, within_domains=True)
    for index in range(20):
        assert len({name[0] for name in source.train.classes(index)}) == 1
    mixed = {len({name[0] for name in small(mini).train.classes(index)}) for index in range(20)}
    assert mixed == {1, 2}
    assert source.test.describe()["name"] == "clinc150 within domains"


def test_the_folder_is_found_by_the_environment(mini, monkeypatch, tmp_path):
    monkeypatch.setenv("INNERLOOP_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=r"Cannot read .*data.clinc150.data_full\.json.*set INNERLOOP_DATA"):
        Clinc150()
    (tmp_path / "data").mkdir()
    os.symlink(mini, tmp_path / "data" / "clinc150")
    assert torch.equal(small(None).test[0].query.x, small(mini).test[0].query.x)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data_full.json", "[]", "holds a list; expected an object"),
        ("data_full.json", '{"train": [], "val": []}', "has no list 'test'"),
        ("domains.json", '{"one": ["a"]}', r"should name the intents of 10 domains; got \['one'\]"),
        ("domains.json", "{", "Cannot read"),
    ],
)
def test_other_files_are_refused(mini, name, content, said):
    (mini / name).write_text(content)
    with pytest.raises(DataError, match=said):
        small(mini)


@pytest.fixture(scope="module")
def real():
    return Clinc150(needs.data("clinc150"), dimensions=256)


@pytest.mark.data
def test_the_real_texts_have_the_published_counts(real):
    counts = {split: getattr(real, split).data.counts for split in SPLITS}
    assert [len(counts[split]) for split in SPLITS] == [90, 30, 30]
    # 22,500 texts; one is there twice in its intent, and four stand under two intents
    assert sum(map(sum, counts.values())) == 22_500 - 1 - 8
    assert {count for part in counts.values() for count in part} <= {148, 149, 150}
    assert real.domains["test"] == ["utility", "work"]
    assert real.domains == split_domains(sorted(d for part in real.domains.values() for d in part))


@pytest.mark.data
def test_nearest_means_of_the_vectors_know_something(real):
    tasks = real.test[0:200]
    support, query = tasks.support, tasks.query
    order = support.y.argsort(1)
    means = support.x.gather(1, order[..., None].expand_as(support.x))  # one shot: row k is class k
    guess = (query.x @ means.transpose(1, 2)).argmax(2)
    accuracy = (guess == query.y).float().mean()
    assert 0.4 < accuracy < 0.95  # chance is 0.2
