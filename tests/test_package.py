"""Importing is cheap and quiet, and what is public is there."""

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import innerloop

WATCHED = """
import json, sys
opened = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])
    elif event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.rename"):
        opened.append(event)
sys.addaudithook(watch)
%s
heavy = [name for name in ("torch", "numpy", "matplotlib", "PIL", "safetensors", "pandas") if name in sys.modules]
print("\\n" + json.dumps({"opened": opened, "heavy": heavy, "modules": sorted(sys.modules)}))
"""


def watched(code):
    """What a fresh Python opens and imports when it runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED % code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *said, facts = done.stdout.splitlines()
    return "\n".join(said), json.loads(facts)


def test_importing_reads_only_modules_and_no_torch():
    said, facts = watched("import innerloop")
    assert said.strip() == ""
    assert facts["heavy"] == []
    assert [path for path in facts["opened"] if not path.endswith((".py", ".pyc", ".pth"))] == []
    own = [name for name in facts["modules"] if name.startswith("innerloop")]
    assert own == ["innerloop"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"], ["recipes"]], ids=" ".join)
def test_help_needs_no_torch(arguments):
    said, facts = watched(f"from innerloop.cli import main\ntry:\n    main({arguments!r})\nexcept SystemExit: pass")
    assert "innerloop" in said or "characters" in said
    assert "torch" not in facts["heavy"]


@pytest.mark.parametrize(
    "command",
    [
        "train sinusoids",
        "evaluate",
        "compare",
        "compare --recipe characters",
        "budget characters",
        "adapt",
        "explain",
        "report",
        "demo",
        "check",
        "cite",
        "bench",
    ],
)
def test_options_need_no_torch_of_ours(command):
    # tyro itself looks at torch if it is already there; it must not be us who import it
    arguments = [*command.split(), "--help"]
    said, facts = watched(f"from innerloop.cli import main\ntry:\n    main({arguments!r})\nexcept SystemExit: pass")
    assert "usage" in said
    assert "torch" not in facts["heavy"]


def test_recipes_need_no_torch():
    _, facts = watched("from innerloop.recipes import recipe; recipe('characters', 'anil').to_json()")
    assert facts["heavy"] == []


def test_citations_need_no_torch():
    _, facts = watched("from innerloop.citations import citations_of; citations_of({})")
    assert facts["heavy"] == []


def test_public_names():
    assert len(innerloop.__all__) <= 25
    assert innerloop.__all__ == sorted(innerloop.__all__)
    assert set(innerloop.__all__) <= set(dir(innerloop))
    for name in innerloop.__all__:
        assert (getattr(innerloop, name).__doc__ or "").strip(), name


def test_what_is_not_there_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = innerloop.nothing
    assert not hasattr(innerloop, "__wrapped__")


def test_star_import_gives_the_public_names():
    names: dict[str, object] = {}
    exec("from innerloop import *", names)
    assert set(innerloop.__all__) <= set(names)


def test_the_command_is_installed():
    found = [point for point in entry_points(group="console_scripts") if point.name == "innerloop"]
    assert [point.value for point in found] == ["innerloop.cli:main"]


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "innerloop", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"innerloop {innerloop.__version__}\n")
    done = subprocess.run([sys.executable, "-m", "innerloop", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("innerloop: Unknown command 'nonsense'")


def test_modules_are_there_without_being_imported_first():
    said, _ = watched("import innerloop as il; print(il.evaluation.select.__name__, il.explain.__name__)")
    assert said.strip() == "select innerloop.explain"
