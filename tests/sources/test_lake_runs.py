"""Synthetic runs in the layout of the published ones."""

import numpy as np
import pytest
import torch
from PIL import Image

from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.evaluation import evaluate
from innerloop.sources import LakeRuns, Omniglot

RUNS, CLASSES = 3, 5


def drawing(path, seed):
    """Dark strokes on light paper, 105 x 105: a bar whose place says which class it is."""
    paper = np.ones((105, 105), dtype=bool)
    paper[20:85, 10 + 15 * seed : 18 + 15 * seed] = False
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(paper).save(path)


@pytest.fixture
def runs(tmp_path):
    """Item `i` of run `r` belongs to class `(i + r) % CLASSES`; the label file is in another order."""
    for run in range(1, RUNS + 1):
        folder, lines = tmp_path / f"run{run:02d}", []
        for k in range(CLASSES):
            drawing(folder / "training" / f"class{k + 1:02d}.png", k)
            of = (k + run) % CLASSES
            drawing(folder / "test" / f"item{k + 1:02d}.png", of)
            lines.append(f"run{run:02d}/test/item{k + 1:02d}.png run{run:02d}/training/class{of + 1:02d}.png")
        (folder / "class_labels.txt").write_text("\n".join(reversed(lines)) + "\n")
    return tmp_path


def test_tasks_are_the_runs(runs):
    source = LakeRuns(runs)
    assert len(source) == RUNS
    tasks = source[0:RUNS]
    assert tasks.support.x.shape == tasks.query.x.shape == (RUNS, CLASSES, 1, 28, 28)
    assert tasks.ways == CLASSES
    assert torch.equal(tasks.support.y, torch.arange(CLASSES).expand(RUNS, CLASSES))
    for run in range(RUNS):
        assert tasks.query.y[run].tolist() == [(k + run + 1) % CLASSES for k in range(CLASSES)]
        assert torch.equal(tasks.query.x[run], tasks.support.x[run][tasks.query.y[run]])
    assert source[1].index == 1


def test_drawings_are_prepared_as_those_of_omniglot(runs):
    source = LakeRuns(runs)
    path = runs / "run02" / "training" / "class03.png"
    assert torch.equal(source[1].support.x[2], Omniglot.pictures.load(path).float() / 255)
    assert source[1].support.x[2].mean() < 0.3  # ink is bright, paper is dark


def test_drawings_are_centred_if_asked_for(runs):
    x = LakeRuns(runs, centre=True)[0:RUNS].support.x
    # the bars differ in their place alone, so that centred ones are all alike
    assert (x - x[:1, :1]).abs().max() < 0.5
    assert x[0, 0].sum(-2).argmax() in (13, 14)
    plain = LakeRuns(runs)[0:RUNS].support.x
    assert (plain - plain[:1, :1]).abs().max() > 0.9


def test_learners_are_judged_on_them(runs):
    found = evaluate(methods.nearest_mean(), LakeRuns(runs), tasks=RUNS)
    assert found.mean == 1.0
    assert found.source["name"] == "omniglot, Lake's runs"
    assert "5-way 1-shot test tasks" in str(found)


def test_there_are_no_more(runs):
    with pytest.raises(DataError, match=r"There are 3 runs, 0 to 2; got \[2, 3\]. Use tasks=3"):
        LakeRuns(runs)[2:4]
    with pytest.raises(ConfigurationError, match="test tasks; got split='train'"):
        LakeRuns(runs, split="train")


def test_incomplete_runs_are_named(runs, tmp_path):
    with pytest.raises(DataError, match=r"no folder run01 .*Unpack all_runs\.zip"):
        LakeRuns(tmp_path / "nowhere")
    labels = runs / "run02" / "class_labels.txt"
    said = labels.read_text()
    for content, words in (
        (said.replace("class02", "class09"), r"the class 'class09\.png'; expected one of the 5 files"),
        ("\n".join(said.splitlines()[1:]), r"the class None; expected"),
        (said + "run02/test/item77.png run02/training/class01.png\n", "5 test items and 6 lines"),
    ):  # fmt: skip
        labels.write_text(content)
        with pytest.raises(DataError, match=words):
            LakeRuns(runs)
    labels.unlink()
    with pytest.raises(DataError, match=r"Cannot read .*class_labels\.txt"):
        LakeRuns(runs)


def test_runs_of_different_size_are_named(runs):
    folder = runs / "run03"
    drawing(folder / "training" / "class06.png", 5)
    with pytest.raises(DataError, match="run03 has 6 training drawings and 5 test items"):
        LakeRuns(runs)
    (folder / "training" / "class06.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"class06\.png"):
        LakeRuns(runs)
