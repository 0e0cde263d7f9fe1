"""`innerloop check`: modules from files and packages, exit codes, and whatever may be wrong with a file."""

import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import damage
from innerloop.cli import main

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
GOOD = """
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Size:
    hidden: int = 4


class Net(nn.Module):
    def __init__(self, outputs=3, hidden=Size().hidden):
        super().__init__()
        self.body, self.head = nn.Linear(6, hidden), nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


class Normed(Net):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(self.body, nn.BatchNorm1d(4))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.embed(x).mean(1))


class Nested:
    Net = Net


def factory(**arguments):
    return Net(**arguments)


made = Net()
number = 3
gives_nothing = print
"""

NEIGHBOURS = {"beside_the_command", "layers_of_mine"}


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes `net.py`; what the command does to the import system is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(content=GOOD, name="net.py"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(textwrap.dedent(content), encoding="utf-8")
        return path

    yield write
    for name in [name for name in sys.modules if name.startswith("innerloop_checked_") or name in NEIGHBOURS]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["Net", "factory", "made", "Nested.Net"])
def test_a_good_module(name, file, capsys):
    assert main(["check", f"{file()}:{name}", "--input", "6"]) == 0
    said = capsys.readouterr()
    assert "Net can be meta-trained: no problems, no warnings." in said.out
    assert said.err == ""


def test_arguments_and_tokens(file, capsys):
    path = file()
    assert main(["check", f"{path}:Net", "--input", "6", "--arguments", '{"outputs": 7, "hidden": 2}']) == 0
    assert "8 examples give (8, 7)" in capsys.readouterr().out
    assert main(["check", f"{path}:Words", "--input", "5", "--tokens", "9"]) == 0


def test_a_problem_is_code_1_with_words(file, capsys):
    assert main(["check", f"{file()}:Normed", "--input", "6"]) == 1
    said = capsys.readouterr().out
    assert "innerloop.networks.convert_norms(module)" in said
    assert "Normed cannot be meta-trained as it is: 1 problem" in said


def test_from_a_package(capsys, monkeypatch, tmp_path, file):
    assert main(["check", "innerloop.networks:mlp", "--input", "6", "--arguments", '{"inputs": 6, "outputs": 2}']) == 0
    monkeypatch.chdir(tmp_path)
    file(name="beside_the_command.py")
    assert main(["check", "beside_the_command:Net", "--input", "6"]) == 0


def test_neighbours_of_a_file_can_be_imported(file):
    file(name="layers_of_mine.py")
    assert main(["check", f"{file('from layers_of_mine import Net', 'net.py')}:Net", "--input", "6"]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--input: expected the shape of one example, as in --input 1 28 28; got nothing"),
        (["--input", "0"], "got 0"),
        (["--input", "6", "-2"], "got 6 -2"),
        (["--input", "six"], "--input: expected a list of whole numbers; got 'six'"),
        (["--input", "7"], "Net cannot take one batch of inputs (8, 7) float32"),
        (["--input", "1", "28", "28"], "(8, 1, 28, 28) float32"),
        (["--input", "6", "--tokens", "9"], "(8, 6) int64"),
        (["--input", "6", "--tokens", "0"], "--tokens: expected the size of the vocabulary"),
        (["--input", *["1000000000"] * 3], "cannot be made"),
        (["--input", "6", "--tokens", str(10**30)], "cannot be made"),
        (["--input", "6", "--arguments", "outputs=5"], "--arguments: expected a JSON object"),
        (["--input", "6", "--arguments", "[5]"], "--arguments: expected a JSON object"),
        (["--input", "6", "--arguments", "{"], "--arguments: expected a JSON object"),
        (["--input", "6", "--arguments", '{"width": 5}'], "Net(width=5) raised TypeError"),
        (["--input", "6", "--arguments", '{"outputs": -5}'], "raised RuntimeError"),
        (["--input", "6", "--arguments", '{"outputs": "a"}'], "raised TypeError"),
        (["--input", "6", "--threads", "0"], "threads must be at least 1"),
        (["--inptu", "6"], "Did you mean '--input'?"),
    ],
)
def test_options_that_cannot_be_meant(options, words, file, fails):
    assert words in fails("check", f"{file()}:Net", *options)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{}", "Expected FILE.py:NAME"),
        (":Net", "Expected FILE.py:NAME"),
        ("{}:", "Expected FILE.py:NAME"),
        ("{}:Nett", "Did you mean 'Net'?"),
        ("{}:made.head.weigth", "There is no 'made.head.weigth'"),
        ("{}:number", "number is of type int"),
        ("{}:gives_nothing", "gives an object of type NoneType"),
        ("{}:nn", "nn is of type module"),
        ("nowhere.py:Net", "There is no file 'nowhere.py'"),
        ("folder/nowhere.txt:Net", "There is no file"),
        ("no_such_package:Net", "Importing no_such_package raised ModuleNotFoundError"),
        ("..relative:Net", "raised TypeError"),
        ("json:loads", "loads() raised TypeError"),
    ],
)
def test_places_that_hold_no_module(place, words, file, fails):
    assert words in fails("check", place.format(file()), "--input", "6")
    assert "MODULE is missing" in fails("check")


def test_a_module_takes_no_arguments(file, fails):
    assert "takes no --arguments" in fails("check", f"{file()}:made", "--input", "6", "--arguments", '{"outputs": 1}')


MALFORMED = {
    "empty": "",
    "syntax": "class Net(:",
    "indentation": "class Net:\n  a = 1\n   b = 2",
    "null bytes": b"Net = 1\x00",
    "not text": b"\xff\xfe\x00Net",
    "wrong encoding": b"# coding: nonsense\nNet = 1",
    "too deep": "Net = " + "(" * 3000 + ")" * 3000,
    "missing import": "import no_such_package_anywhere",
    "raises": "raise ValueError('two\\nlines')",
    "raises nothing said": "raise RuntimeError",
    "exits": "import sys\nsys.exit(0)",
    "exits silently": "raise SystemExit",
    "recurses": "def f():\n    return f()\nf()",
    "divides": "1 / 0",
    "lazy name": "def __getattr__(name):\n    raise ValueError(name)",
    "no module": "class Net:\n    pass",
    "wrong constructor": "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
    "        self.a = nn.Linear(1, 1)",
    "constructor exits": "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        exit(3)",
    "asks": "from torch import nn\nclass Net(nn.Module):\n    def __init__(self, x):\n        super().__init__()",
    "no forward": "from torch import nn\nclass Net(nn.Module):\n    pass",
    "forward raises": "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n"
    "        super().__init__(6, 2)\n    def forward(self, x):\n        raise KeyError('x')",
    "forward asks for more": "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n"
    "        super().__init__(6, 2)\n    def forward(self, x, y):\n        return x",
    "cannot be copied": "import threading\nfrom torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n"
    "        super().__init__(6, 2)\n        self.lock = threading.Lock()",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files(name, file, fails):
    line = fails("check", f"{file(MALFORMED[name])}:Net", "--input", "6")
    assert "Net" in line or "net.py" in line


def test_damaged_files_never_give_a_traceback(file, capsys):
    whole = GOOD.encode()

    @MANY
    @given(st.one_of(damage.truncated(), damage.garbage()))
    def check(change):
        assert main(["check", f"{file(change(whole))}:Net", "--input", "6"]) in (0, 2)
        assert capsys.readouterr().err.count("\n") <= 1

    check()


FORWARDS = {
    "returns nothing": "None",
    "returns text": "'text'",
    "returns a number": "3.0",
    "returns its input": "x",
    "returns an empty tuple": "()",
    "returns a sparse tensor": "self.a(x).to_sparse()",
    "returns itself": "self",
    "returns no rows": "self.a(x)[:0]",
    "returns no columns": "self.a(x)[:, :0]",
    "returns booleans": "self.a(x) > 0",
    "returns NaN": "self.a(x) * float('nan')",
    "returns halves": "self.a(x).half()",
    "returns a distribution": "torch.distributions.Normal(self.a(x), 1.0)",
    "deletes its layer": "self.__dict__['_modules'].pop('a')(x)",
    "raises the second time": "self.a(x) if self.__dict__.setdefault('n', []).append(1) or len(self.n) < 2 else 1 / 0",
    "raises in training": "self.a(x) if not torch.is_grad_enabled() else 1 / 0",
    "freezes itself": "self.requires_grad_(False).a(x)",
    "changes its mode": "self.eval().a(x)",
    "grows": "self.a(x) if self.__dict__.setdefault('n', []).append(x) is None else 0",
    "adds a layer": "self.a(x) if setattr(self, 'b', torch.nn.Linear(6, 2)) is None else 0",
}


@pytest.mark.parametrize("name", FORWARDS)
def test_odd_forwards_never_give_a_traceback(name, file, capsys):
    path = file(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = nn.Linear(6, 2)\n"
        f"    def forward(self, x):\n        return {FORWARDS[name]}\n"
    )
    allowed = (0, 1) if name in ("grows", "returns halves") else (1, 2)
    assert main(["check", f"{path}:Net", "--input", "6"]) in allowed
    assert capsys.readouterr().err.count("\n") <= 1
