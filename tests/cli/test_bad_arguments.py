"""Command lines that cannot be meant: one line that names the value, exit code 2, no folder made."""

import string

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import damage, folders, needs
from innerloop.cli import COMMANDS, main
from innerloop.recipes import RECIPES

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.text(string.ascii_lowercase + "-", min_size=1, max_size=12).filter(lambda word: word.strip("-"))
WHOLE = ["steps", "shots", "queries", "train-queries", "inner-steps", "test-steps", "tasks-per-step", "test-tasks"]
RATES = ["inner-lr", "lr", "clip"]


@pytest.fixture
def train_fails(fails, tmp_path):
    """`innerloop train sinusoids` with options that must be refused without a trace."""

    def run(*options):
        line = fails("train", "sinusoids", "--run", tmp_path / "run", *options)
        assert list(tmp_path.iterdir()) == []
        return line

    return run


@pytest.mark.parametrize("device", ["warp", "cuda:99", "meta", "hpu", "privateuseone", ""])
def test_devices_that_are_not_here(train_fails, device):
    assert f"There is no device {device!r} here. Take cpu, or" in train_fails("--device", device)


def test_ratings_train_on_a_cpu(fails, monkeypatch, tmp_path):
    monkeypatch.setattr("innerloop.cli._work.available", torch.device)
    assert "--device is not for `ratings`" in fails("train", "ratings", "--run", tmp_path / "run", "--device", "cuda")


def test_unknown_commands(fails):
    @MANY
    @given(WORDS.filter(lambda word: word not in (*COMMANDS, "help") and not word.startswith("-")))
    def check(word):
        assert f"Unknown command {word!r}; there are train, evaluate" in fails(word)

    check()
    assert "Did you mean 'train'?" in fails("trian", "sinusoids")


def test_unknown_recipes(fails):
    @MANY
    @given(WORDS.filter(lambda word: word not in RECIPES and not word.startswith("-")))
    def check(word):
        assert f"Unknown recipe {word!r}; there are characters, omniglot" in fails("train", word)

    check()
    assert "Did you mean 'sinusoids'?" in fails("train", "sinusoid")
    assert "Which recipe?" in fails("train")


def test_unknown_methods(train_fails):
    @MANY
    @given(WORDS.filter(lambda word: not word.startswith("-")))
    def check(word):
        assert f"Unknown method {word!r}; there are maml" in train_fails("--method", word)

    check()


@pytest.mark.parametrize("command", [["train", "sinusoids"], ["evaluate", "x"], ["compare", "x"], ["adapt", "x"]])
def test_unknown_options(command, fails):
    @MANY
    @given(WORDS.map(lambda word: f"--x{word}"), st.sampled_from([[], ["3"], ["a", "b"]]))
    def check(flag, values):
        assert f"Unknown option {flag}." in fails(*command, flag, *values)

    check()


def test_a_near_miss_is_named(fails):
    assert "Did you mean '--steps'?" in fails("train", "sinusoids", "--step", "3")


def test_values_of_a_wrong_type(train_fails):
    no_number = st.text(string.ascii_letters, min_size=1, max_size=8).filter(
        lambda text: text.lower() not in ("nan", "inf", "infinity")
    )

    @MANY
    @given(st.sampled_from(WHOLE + RATES), no_number)
    def check(name, text):
        kind = "a whole number" if name in WHOLE else "a number"
        assert f"--{name}: expected {kind}; got {text!r}." in train_fails(f"--{name}", text)

    check()

    @MANY
    @given(st.sampled_from(WHOLE), st.floats(0.1, 9.9).filter(lambda x: x != int(x)))
    def check_fractions(name, value):
        assert f"expected a whole number; got '{value}'" in train_fails(f"--{name}={value}")

    check_fractions()
    assert "--hidden: expected a list of whole numbers; got '4' 'b'" in train_fails("--hidden", "4", "b")
    assert "--schedule: expected constant or cosine; got 'up'" in train_fails("--schedule", "up")
    assert "--steps: expected a whole number; got nothing" in train_fails("--steps")
    assert "--validate-every: expected a whole number or None; got 'x'" in train_fails("--validate-every", "x")
    assert "Unexpected argument 'more'" in train_fails("more")
    assert "Unexpected argument 'yes'" in train_fails("--quiet", "yes")


def test_numbers_that_make_no_sense(train_fails):
    @MANY
    @given(st.sampled_from([*WHOLE, "validation-tasks", "validate-every", "patience"]), st.integers(-(10**20), 0))
    def check(name, value):
        assert f"{name.replace('-', '_')} must be at least 1; got {value}" in train_fails(f"--{name}", value)

    check()

    @MANY
    @given(st.sampled_from(RATES), st.one_of(st.floats(max_value=0.0), st.sampled_from([float("inf"), float("nan")])))
    def check_rates(name, value):
        line = train_fails(f"--{name}={value!r}")
        assert f"{name.replace('-', '_')} must be a positive number; got {value}" in line

    check_rates()
    for option, value in (
        ("--seed", -1), ("--seed", 2**63), ("--hidden", 0), ("--curve-steps", -1), ("--weight-decay", -0.1),
        ("--weight-decay", "nan"), ("--threads", 0), ("--checkpoint-seconds", -1), ("--checkpoint-seconds", "nan"),
    ):  # fmt: skip
        assert str(value) in train_fails(f"{option}={value}")


@pytest.mark.parametrize(
    "options",
    [
        ["--tasks", "0"], ["--tasks", "-3"], ["--steps", "-1"], ["--curve-steps", "-2"], ["--norm", "layer"],
        ["--split", "all"], ["--on", "moon"], ["--tasks", "many"], ["--threads", "0"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_evaluate(options, sinusoid_run, copied, fails):
    run = copied(sinusoid_run)
    before = damage.snapshot(run)
    assert options[1] in fails("evaluate", run, *options)
    assert damage.snapshot(run) == before


@pytest.mark.parametrize(
    ("recipe", "method", "options"),
    [
        ("characters", "prototypes", ["--inner-lr", "0.1"]),
        ("characters", "prototypes", ["--inner_steps=3"]),
        ("characters", "pretraining", ["--norm", "running"]),
        ("characters", "baseline_plus_plus", ["--test-steps", "9"]),
        ("sinusoids", "cnp", ["--inner-lr", "0.02"]),  # as it would be: it is refused all the same
        ("sinusoids", "pretraining", ["--inner-steps", "2", "--minutes", "5"]),
    ],
)
def test_settings_that_the_method_does_not_read(recipe, method, options, fails, tmp_path):
    line = fails("train", recipe, "--method", method, "--run", tmp_path / "run", *options)
    assert f"{method} does not read {options[0].partition('=')[0].replace('_', '-')}: " in line
    assert list(tmp_path.iterdir()) == []


def test_missing_arguments(fails):
    assert "RUN is missing" in fails("evaluate")
    assert "RUN is missing" in fails("report")
    assert "RUN is missing" in fails("evaluate", "--tasks", "3")
    assert "Name at least one folder" in fails("compare")


def test_a_taken_folder(sinusoid_run, copied, fails):
    run = copied(sinusoid_run)
    before = damage.snapshot(run)
    line = fails("train", "sinusoids", "--run", run, *folders.SINUSOID_OPTIONS)
    assert f"{run} already holds a run. Go on with --resume" in line
    line = fails("train", "sinusoids", "--run", run, *folders.SINUSOID_OPTIONS, "--resume", "--lr", "0.5")
    assert "begun with other settings: optimiser changed" in line
    assert damage.snapshot(run) == before


def test_a_folder_that_is_a_file(fails, tmp_path):
    path = tmp_path / "taken"
    path.write_text("mine")
    for place in (path, path / "below"):
        line = fails("train", "sinusoids", "--run", place, *folders.SINUSOID_OPTIONS)
        assert str(place) in line
    assert path.read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_results_that_cannot_be_written_where_asked(sinusoid_run, adapted, picture_run, two_classes, fails, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "folder", tmp_path / "file" / "x.json"):
        assert str(place) in fails("evaluate", sinusoid_run, "--tasks", "2", "--out", place)
        assert str(place) in fails("adapt", picture_run, "--support", two_classes, "--out", place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


@needs.NOT_ROOT
def test_a_place_without_permission(fails, tmp_path):
    tmp_path.chmod(0o500)
    try:
        line = fails("train", "sinusoids", "--run", tmp_path / "run", *folders.SINUSOID_OPTIONS)
        assert "Permission denied" in line
    finally:
        tmp_path.chmod(0o700)


def test_system_errors_are_one_line(fails, monkeypatch):
    def denied(arguments):
        raise PermissionError(13, "Permission denied", "/secret/place")

    monkeypatch.setattr("innerloop.cli._recipes.run", denied)
    assert "/secret/place: Permission denied" in fails("recipes")


def test_a_bug_is_shown(monkeypatch):
    def buggy(arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("innerloop.cli._recipes.run", buggy)
    with pytest.raises(ZeroDivisionError):
        main(["recipes"])


def test_help_and_version(capsys):
    for arguments in ([], ["--help"], ["-h"], ["help"]):
        assert main(arguments) == 0
        assert "usage: innerloop COMMAND" in capsys.readouterr().out
    assert main(["--version"]) == 0
    for command in COMMANDS:
        with pytest.raises(SystemExit) if command != "recipes" else _nothing() as stop:
            main([command, "--help"])
        assert stop is None or stop.value.code == 0
        assert command in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["train", "sinusoids", "--help"])
    assert "--inner-lr" in capsys.readouterr().out


def _nothing():
    import contextlib

    return contextlib.nullcontext()
