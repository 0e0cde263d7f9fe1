"""A damaged `config.json`, or one of another version: one line, exit code 2, nothing changed."""

import json

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
OTHER = [None, -1, 7, 1.5, "other", [], {}, [1, "a"], {"a": 1}, True]


@pytest.fixture
def with_config(copied, fails, tmp_path, two_classes):
    """Runs a command on a run with another `config.json`."""
    runs = {}

    def check(original, command, content, *, harmless=False):
        if original not in runs:
            runs[original] = copied(original), damage.snapshot(original)
        run, files = runs[original]
        arguments = [command, str(run), *(["--tasks", "2"] if command == "evaluate" else [])]
        arguments += ["--support", str(two_classes)] if command == "adapt" else []
        damage.restore(run, files)
        (run / "config.json").write_bytes(content)
        before = damage.snapshot(tmp_path)
        if harmless:
            assert main(arguments) in (0, 2)
            return ""
        line = fails(*arguments)
        assert damage.snapshot(tmp_path) == before
        return line

    return check


def config(run):
    return json.loads((run / "config.json").read_text())


COMMANDS = pytest.mark.parametrize("command", ["evaluate", "adapt", "report"])


@COMMANDS
def test_damaged(command, picture_run, with_config):
    whole = (picture_run / "config.json").read_bytes()

    @MANY
    @given(st.one_of(damage.truncated(), damage.garbage()))
    def check(change):
        line = with_config(picture_run, command, change(whole).rstrip())
        assert "config.json" in line
        assert "damaged" in line

    check()


def test_deep_nesting_is_no_traceback(picture_run, with_config):
    assert "config.json" in with_config(picture_run, "evaluate", b"[" * 100_000)


@COMMANDS
@pytest.mark.parametrize("which", ["picture_run", "sinusoid_run", "table_run"])
def test_other_values_anywhere_never_give_a_traceback(command, which, request, with_config, capsys):
    run = request.getfixturevalue(which)

    @settings(MANY, max_examples=18)
    @given(st.floats(0, 0.9999), st.sampled_from(OTHER))
    def check(place, value):
        with_config(run, command, json.dumps(damage.replaced(config(run), place, value)).encode(), harmless=True)
        capsys.readouterr()

    check()


@pytest.mark.parametrize("command", ["evaluate", "adapt"])
def test_fields_of_a_wrong_type_are_named(command, picture_run, with_config):
    said = config(picture_run)
    number = [name for name, value in said["recipe"].items() if isinstance(value, int | float)]

    @MANY
    @given(st.sampled_from(number), st.sampled_from(["three", "", [], [1], {}, {"a": 1}]))
    def check(name, value):
        spoiled = {**said, "recipe": {**said["recipe"], name: value}}
        line = with_config(picture_run, command, json.dumps(spoiled).encode())
        assert f"{name}: expected " in line

    check()


@pytest.mark.parametrize("command", ["evaluate", "adapt"])
def test_unknown_recipes_and_fields_are_named(command, picture_run, with_config):
    said = config(picture_run)

    @MANY
    @given(st.text(min_size=1, max_size=12).filter(lambda name: name not in said["recipe"]), st.booleans())
    def check(word, field):
        recipe = {**said["recipe"], word: 1} if field else {**said["recipe"], "recipe": word}
        line = with_config(picture_run, command, json.dumps({**said, "recipe": recipe}).encode())
        assert " ".join(repr(word).split()) in line
        assert "it has" in line or "there are" in line

    check()


def test_a_run_of_another_recipe(picture_run, sinusoid_run, with_config):
    other = {**config(picture_run), "recipe": config(sinusoid_run)["recipe"]}
    assert "another architecture" in with_config(picture_run, "evaluate", json.dumps(other).encode())


def test_a_run_from_python_says_so(sinusoid_run, with_config):
    said = config(sinusoid_run)
    del said["recipe"]
    assert "trained from Python" in with_config(sinusoid_run, "evaluate", json.dumps(said).encode())


@pytest.mark.parametrize(
    "name", ["results/test.json", "results/test.support.json", "results/test.constant.json", "fit.json"]
)
def test_damaged_results(name, picture_run, copied, fails, capsys):
    run = copied(picture_run)
    whole = (run / name).read_bytes()

    @MANY
    @given(st.one_of(damage.truncated(), damage.garbage()))
    def cut(change):
        (run / name).write_bytes(change(whole).rstrip())
        before = damage.snapshot(run)
        assert name in fails("report", run)
        assert damage.snapshot(run) == before

    cut()

    @MANY
    @given(st.floats(0, 0.9999), st.sampled_from(OTHER))
    def replace(place, value):
        (run / name).write_text(json.dumps(damage.replaced(json.loads(whole), place, value)))
        assert main(["report", str(run)]) in (0, 2)
        capsys.readouterr()

    replace()
