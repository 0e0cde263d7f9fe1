"""Blocks of code in pages of the documentation.

A comment above a block makes it cheap or says what it needs:

    <!-- test: replace steps=2_000 with steps=4 -->   what the reader sees takes minutes
    <!-- test: needs omniglot -->                     runs if $INNERLOOP_DATA has it, else compiles
    <!-- test: needs higher -->                       the same for a package that is no dependency
"""

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"((?:^<!-- test: .*? -->\n)*)^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int
    replace: tuple[tuple[str, str], ...]
    needs: tuple[str, ...]

    @property
    def program(self) -> str:
        """What is run: with the replacements, and on the lines that it has in the page."""
        text = self.text
        for old, new in self.replace:
            assert old in text, f"line {self.line}: nothing to replace, there is no {old!r}"
            text = text.replace(old, new)
        return "\n" * self.line + text

    @property
    def runs(self) -> bool:
        data = os.environ.get("INNERLOOP_DATA")
        return all(
            find_spec(name) is not None or (data is not None and (Path(data) / name).is_dir()) for name in self.needs
        )


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        said = re.findall(r"<!-- test: (.*?) -->", match[1])
        replace = [line.removeprefix("replace ").split(" with ", 1) for line in said if line.startswith("replace ")]
        needs = [line.removeprefix("needs ") for line in said if line.startswith("needs ")]
        assert len(replace) + len(needs) == len(said), f"{page.name}: unknown comment in {said}"
        line = text[: match.start(3)].count("\n")
        found.append(Block(match[2], match[3], line, tuple((old, new) for old, new in replace), tuple(needs)))
    return found


def commands(page: Path) -> list[tuple[int, str]]:
    """The command lines of a page with their line numbers, continued lines joined."""
    found = []
    for block in blocks(page):
        if block.language not in ("sh", "bash", "shell", "console"):
            continue
        text = block.text.replace("\\\n", "")
        found += [(block.line + i + 1, line) for i, line in enumerate(text.splitlines()) if line.strip()]
    return found


def run_python(block: Block, page: Path, namespace: dict[str, object]) -> None:
    """Runs a Python block in the namespace of its page, or compiles it if what it needs is not there."""
    program = compile(block.program, str(page), "exec")
    if block.runs:
        exec(program, namespace)
