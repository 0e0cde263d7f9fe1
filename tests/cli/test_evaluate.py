"""What a run is measured on and by."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from innerloop.cli import main
from innerloop.cli._train import read
from innerloop.cli._work import open_run, other_tasks
from innerloop.errors import ConfigurationError
from innerloop.recipes import recipe


def result(run: Path, name: str):
    return json.loads((run / "results" / f"{name}.json").read_text())


def test_numbers_by_the_absolute_error(table_run, copied, capsys):
    run = copied(table_run)
    assert main(["evaluate", str(run), "--tasks", "6", "--metric", "absolute error"]) == 0
    assert "absolute error" in capsys.readouterr().out
    found = result(run, "evaluate.test.6tasks.absolute_error")
    squared = result(run, "test")
    assert found["metric"] == "absolute error"
    assert all(a**2 <= s + 1e-5 for a, s in zip(found["values"], squared["values"], strict=True))  # Jensen


def test_a_metric_that_does_not_fit(table_run, fails, copied):
    assert "does not fit these tasks" in fails("evaluate", copied(table_run), "--tasks", "2", "--metric", "accuracy")


@pytest.fixture(scope="module")
def character_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "characters"
    options = ["--filters", "4", "--steps", "1", "--validation-tasks", "2", "--test-tasks", "2", "--quiet"]
    assert main(["train", "characters", "--method", "prototypes", "--run", str(folder), *options]) == 0
    return folder


def test_lakes_runs(character_run, copied, fails, tmp_path, monkeypatch, capsys):
    run = copied(character_run)
    monkeypatch.delenv("INNERLOOP_DATA", raising=False)
    assert "set INNERLOOP_DATA" in fails("evaluate", run, "--on", "lake")
    monkeypatch.setenv("INNERLOOP_DATA", str(tmp_path))
    assert "no folder run01" in fails("evaluate", run, "--on", "lake")
    for number in (1, 2):
        folder, lines = tmp_path / "omniglot" / "all_runs" / f"run{number:02d}", []
        for k in range(1, 4):
            for part, name in (("training", "class"), ("test", "item")):
                (folder / part).mkdir(parents=True, exist_ok=True)
                paper = np.ones((105, 105), dtype=bool)
                paper[20:85, 20 * k : 20 * k + 8] = False
                Image.fromarray(paper).save(folder / part / f"{name}{k:02d}.png")
            lines.append(f"run{number:02d}/test/item{k:02d}.png run{number:02d}/training/class{k:02d}.png")
        (folder / "class_labels.txt").write_text("\n".join(lines))
    capsys.readouterr()
    assert main(["evaluate", str(run), "--on", "lake"]) == 0
    assert "100.0 %" in capsys.readouterr().out
    assert len(result(run, "evaluate.lake.2tasks")["values"]) == 2


@pytest.mark.parametrize(("protocol", "name"), [("A", "lake"), ("B", "omniglot")])
def test_a_protocol_is_not_measured_where_it_was_trained(protocol, name, character_run):
    _, experiment = open_run(character_run)
    chosen = recipe("omniglot", "prototypes", protocol=protocol)
    with pytest.raises(ConfigurationError, match=f"by protocol {protocol} has trained on characters that {name} tests"):
        other_tasks(dataclasses.replace(experiment, recipe=chosen), name)


@pytest.mark.parametrize("words", [["--protocol", "B"], ["--protocol=B"]])
def test_protocol_b_brings_its_settings(words):
    _, chosen = read(["omniglot", "--method", "prototypes", *words, "--steps", "7"])
    assert (chosen.protocol, chosen.ways, chosen.queries, chosen.augment, chosen.steps) == ("B", 20, 1, True, 7)
    _, other = read(["omniglot", "--method", "prototypes", *words, "--ways", "5", "--no-augment"])
    assert (other.ways, other.augment) == (5, False)


def test_a_protocol_that_there_is_not(fails):
    assert "--protocol: expected A or B; got 'C'" in fails("train", "omniglot", "--protocol", "C")
