"""Command lines to frozen dataclasses, with one line said about a mistake."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from innerloop.errors import InnerloopError

T = TypeVar("T")


class UsageError(InnerloopError):
    """A command line that cannot be understood."""


def parse(kind: type[T], arguments: Sequence[str], program: str, description: str, default: Any = None) -> T:
    """An instance of the dataclass `kind` from command-line arguments.

    Raises:
        UsageError: with one line on the first mistake.
        SystemExit: with code 0 after `--help`.
    """
    import tyro

    said = io.StringIO()
    given = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(said):
            found: T = tyro.cli(
                kind,
                args=list(arguments),
                prog=program,
                description=description,
                config=(tyro.conf.OmitArgPrefixes,),
                **given,
            )
            return found
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise UsageError(f"{_one_line(said.getvalue())} See `{program} --help`.") from None


def closest(word: str, known: Sequence[str]) -> str:
    """`, did you mean ...?` or nothing."""
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _one_line(box: str) -> str:
    # tyro draws a box; its first paragraph says what is wrong
    lines = [re.sub(r"[│╭╮╰╯]", "", line).strip() for line in box.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("─ Parsing", "─ Missing", "─ Unrec"))]
    paragraph = []
    for line in lines:
        if set(line) <= {"─"}:
            break
        paragraph.append(line)
    text = re.sub(r"\s+", " ", " ".join(paragraph)).strip() or "The arguments could not be understood."
    return text if text.endswith((".", "?", "!")) else f"{text}."
