"""Texts from training to predictions, by the command."""

import json

import pytest
import torch

import innerloop
from helpers import folders
from innerloop.cli import main
from innerloop.cli._work import open_run
from innerloop.files import load_tensors


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return folders.write_texts(tmp_path_factory.mktemp("data") / "texts.csv")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory, texts):
    """A pretrained run. Tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "pretrained"
    return folders.train("text", folder, "--data", str(texts), "--method", "pretraining")


def test_a_run_has_its_trivial_rows(pretrained):
    results = {path.stem for path in (pretrained / "results").iterdir()}
    assert {"test", "test.constant", "test.nearest_mean"} <= results
    assert "Nearest mean on raw inputs" in (pretrained / "page.html").read_text()


def test_texts_are_learned_and_predicted(pretrained, tmp_path, capsys):
    support = tmp_path / "mine.csv"
    support.write_text("text,label\nfreeze my card,freeze\nblock the card,freeze\nwhat is my balance,balance\n")
    lines, rows = tmp_path / "new.txt", tmp_path / "new.csv"
    lines.write_text("please freeze the card\n\nshow the balance\n")
    rows.write_text("text,label\nshow the balance,\n")
    model = tmp_path / "m.safetensors"
    code = main(["adapt", str(pretrained), "--support", str(support), "--out", str(model), "--predict", str(lines),
                 str(rows), "--json"])  # fmt: skip
    said = capsys.readouterr()
    assert code == 0
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [row["text"] for row in found] == ["please freeze the card", "show the balance", "show the balance"]
    assert {row["class"] for row in found} <= {"freeze", "balance"}
    assert "learned 2 classes from 3 texts: balance (1), freeze (2)" in said.err
    assert innerloop.load(model).classes == ["balance", "freeze"]
    assert main(["adapt", "--model", str(model), "--predict", str(lines), "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == found[:2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,label\na,x\n", "the one label 'x'"),
        ("a.csv", "words,label\na,x\n", "no column 'text'"),
        ("a.json", "[1]", "expected a text and a label"),
    ],
)
def test_support_that_cannot_be_used(pretrained, fails, tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    assert said in fails("adapt", pretrained, "--support", tmp_path / name, "--out", tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(("name", "content"), [("a.txt", "\n \n"), ("a.csv", "words\nx\n"), ("a.txt", b"\xff\xfe\xff")])
def test_texts_that_cannot_be_predicted(pretrained, fails, tmp_path, name, content):
    support = tmp_path / "mine.csv"
    support.write_text("text,label\na,x\nb,y\n")
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    line = fails("adapt", pretrained, "--support", support, "--out", tmp_path / "m", "--predict", tmp_path / name)
    assert name in line
    assert not (tmp_path / "m").exists()


def test_a_run_may_start_from_another(pretrained, texts, tmp_path):
    run = folders.train(
        "text", tmp_path / "started", "--data", str(texts), "--method", "meta_baseline", "--start", str(pretrained),
        "--lr", "1e-9",
    )  # fmt: skip
    given, _ = load_tensors(pretrained / "best.safetensors")
    found, _ = load_tensors(run / "best.safetensors")
    for name in ("network.features.1.weight", "network.features.1.bias"):
        torch.testing.assert_close(found[name], given[name], atol=1e-6, rtol=0)
    assert json.loads((run / "config.json").read_text())["recipe"]["start"] == str(pretrained)


def test_a_started_run_is_opened_without_the_other(pretrained, texts, tmp_path):
    import shutil

    first = tmp_path / "first"
    shutil.copytree(pretrained, first)
    run = folders.train("text", tmp_path / "a", "--data", str(texts), "--method", "prototypes", "--start", str(first))
    shutil.rmtree(first)
    _, experiment = open_run(run)
    found, _ = load_tensors(run / "best.safetensors")
    assert torch.equal(experiment.learner.network.features[1].weight, found["network.features.1.weight"])
    options = ["--data", str(texts), "--method", "prototypes", "--start", str(first), "--resume"]
    folders.train("text", run, *options)


def test_starts_that_do_not_fit(pretrained, texts, fails, tmp_path):
    options = ["--data", texts, "--method", "prototypes", "--run", tmp_path / "a", "--dimensions", 64, "--ways", 2,
               "--queries", 2, "--train-queries", 2]  # fmt: skip
    line = fails("train", "text", *options, "--start", pretrained, "--hidden", 9)
    assert "'1.weight' has shape (8, 64)" in line
    assert "is not a run" in fails("train", "text", *options, "--start", tmp_path / "nowhere")
    assert not (tmp_path / "a").exists()
