"""The documentation is run: every Python block of every page, and every command line as far as its options."""

import contextlib
import io
import re
import shlex
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

from helpers.pages import BLOCK, ROOT, blocks, commands, run_python
from innerloop.cli import COMMANDS
from innerloop.cli._parse import parse
from innerloop.recipes import POLICY_RECIPES

PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.exists()
]
MODULES = (
    "actors",
    "checks",
    "citations",
    "control",
    "evaluation",
    "explain",
    "extras",
    "gradient",
    "losses",
    "mapping",
    "memory",
    "methods",
    "metric",
    "networks",
    "outer",
    "recommend",
    "recommend.rivals",
    "rl",
    "sources",
    "transfer",
    "workers",
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "article.md"], ids=name)  # test_article.py
def test_python_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            run_python(block, page, namespace)


@pytest.mark.parametrize(
    ("page", "line", "command"),
    [(page, line, command) for page in PAGES for line, command in commands(page)],
    ids=lambda value: name(value) if isinstance(value, Path) else None,
)
def test_command_of_the_page_is_understood(page, line, command):
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):  # VARIABLE=value in front of a command
        words = words[1:]
    if words:
        understand(words)


def understand(words: list[str]) -> None:
    """Reads a command line without running it."""
    program, *arguments = words
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in arguments:
            assert re.search(rf"^{re.escape(target)}\s*:", makefile, re.MULTILINE), f"no target {target}"
    elif program == "python":
        assert arguments[0] == "-m" or (ROOT / arguments[0]).exists(), f"no file {arguments[0]}"
    elif program == "innerloop":
        understand_innerloop(arguments)
    elif program == "torchrun":
        understand_torchrun(arguments)
    else:
        assert program in {"pip", "export"}, f"what is {program}?"


def understand_torchrun(arguments: list[str]) -> None:
    from torch.distributed.run import parse_args

    found = parse_args(arguments)  # which exits for an option that it does not know
    if found.module:
        understand([found.training_script, *found.training_script_args])
    else:
        assert (found.training_script, found.training_script_args) == ("train.py", []), "a script of the reader's"


def understand_innerloop(arguments: list[str]) -> None:
    command, *rest = arguments
    if command == "--version":
        return
    assert command in COMMANDS
    by_policy = command == "train" and rest[0] in POLICY_RECIPES
    module = import_module(f"innerloop.cli._{'policy' if by_policy else command}")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):  # after --help, code 0
        if hasattr(module, "read"):
            module.read(rest)
        elif hasattr(module, "Options"):
            parse(module.Options, rest, f"innerloop {command}", "")
        else:
            assert not rest, f"innerloop {command} takes no arguments"


def test_a_wrong_option_is_found():
    with pytest.raises(Exception, match="Unknown option"):
        understand(["innerloop", "train", "characters", "--inner-step", "2"])
    with pytest.raises(Exception, match="Unknown option"):
        understand(["innerloop", "evaluate", "runs/a", "--task", "2"])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page):
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(prose):
        if "://" not in link and not link.startswith(("#", "mailto:")):
            assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("module", ["", *MODULES])
def test_every_public_name_is_in_the_interface_page(module):
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found = import_module(f"innerloop.{module}".rstrip("."))
    own = [n for n, value in vars(found).items() if n[0] != "_" and isinstance(value, FunctionType)]
    names = getattr(found, "__all__", [n for n in own if getattr(found, n).__module__ == found.__name__])
    assert names
    for public in names:
        assert public in MODULES or re.search(rf"\b{public}\b", text), public


def test_contributing_names_files_that_are_there():
    _, _, table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Adding things")
    named = re.findall(r"`([\w/]+(?:\.py|\.md|/))`", table)
    assert "catalogue.py" in named
    assert [path for path in named if not any((ROOT / part / path).exists() for part in ("src/innerloop", "."))] == []


def test_readme_is_short_and_shows_code_early():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    assert lines.index("```python") < 35


def test_tables_stand_as_the_results_say():
    import write_tables as tool

    for page in tool.PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert tool.filled(page, text) == text, f"{page} is out of date: run python tools/write_tables.py"
