"""A learner in a file of one's own is trained, measured and used by the command like any other."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from innerloop.cli import main
from innerloop.errors import ConfigurationError
from innerloop.recipes import recipe
from innerloop.recipes._build import build

FILE = """
from typing import NamedTuple

import torch
from torch import Tensor, nn

import innerloop as il


class Means(NamedTuple):
    centres: Tensor


class Nearest(il.Learner):
    state_type = Means

    def __init__(self, network):
        super().__init__()
        self.network = network

    def adapt(self, support, state=None):
        member = (support.y[:, None] == torch.arange(support.ways)) & support.mask[:, None]
        member = member.to(torch.float32)
        return Means(member.T @ self.network(support.x).flatten(1) / member.sum(0)[:, None])

    def predict(self, state, x, mask=None):
        return -torch.cdist(self.network(x).flatten(1), state.centres)


def nearest(ways, inputs, *, shots=3):
    learner = Nearest(nn.Sequential(nn.Flatten(), nn.Linear(inputs, ways * 4), nn.ReLU()))
    learner.name = f"Nearest of {ways} with {shots}"
    return learner


def unknown(colour):
    pass


def nothing(embedding):
    return embedding


def broken(network):
    raise RuntimeError("out of luck")


number = 3
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(FILE)
    return path


def test_train_evaluate_compare(own, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ["--steps", "2", "--validation-tasks", "2", "--test-tasks", "4", "--quiet", "--threads", "1"]
    assert main(["train", "characters", "--method", "own.py:nearest", *small]) == 0
    run = tmp_path / "runs" / "characters-nearest"
    assert (run / "page.html").exists()
    assert main(["train", "characters", "--method", "prototypes", "--filters", "4", *small]) == 0
    both = [str(run), "runs/characters-prototypes", "--no-baselines", "--processes", "1"]
    assert main(["compare", *both]) == 0
    assert "Nearest of 5 with 1" in capsys.readouterr().out


def test_the_class_of_the_page_is_trained_by_the_command_of_the_page(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    made = next(block for block in blocks if block.startswith("def make_ridge"))
    monkeypatch.chdir(tmp_path)
    Path("my_learner.py").write_text(blocks[0].partition("sinusoids = ")[0] + made)
    (command,) = re.findall(r"^innerloop (train .*my_learner\.py.*)$", page, re.MULTILINE)
    small = ["--steps", "2", "--filters", "4", "--validation-tasks", "2", "--test-tasks", "4", "--quiet"]
    assert main([*command.split(), *small, "--threads", "1"]) == 0
    found = json.loads(Path("runs/characters-make_ridge/results/test.json").read_text())
    assert found["norm"] == "running"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown", "wants 'colour', and this recipe knows no such thing"),
        ("nothing", "gives an object of type Backbone; expected a Learner"),
        ("broken", "raised RuntimeError: out of luck"),
        ("number", "is of type int; expected a function"),
        ("neares", r"There is no 'neares' in .* Did you mean 'nearest'"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(own, name, said):
    with pytest.raises(ConfigurationError, match=said):
        build(dataclasses.replace(recipe("characters"), method=f"{own}:{name}"))


def test_no_such_file():
    with pytest.raises(ConfigurationError, match=r"There is no file 'nowhere\.py'"):
        build(dataclasses.replace(recipe("characters"), method="nowhere.py:f"))
