"""`innerloop check MODULE`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from innerloop.cli._parse import UsageError, parse

ROWS = 8
"""Examples in the batch that a module is tried on."""


@dataclass(frozen=True)
class Options:
    """Run a module of yours through the traps of meta-learning, and say what to change."""

    module: Annotated[str, tyro.conf.Positional]
    """FILE.py:NAME or package.module:NAME, a class, a function that makes the module, or the module itself."""
    input: tuple[int, ...] = ()
    """Shape of one example, for instance 1 28 28."""
    arguments: str = "{}"
    """Arguments for NAME, as a JSON object, for instance '{"outputs": 5}'."""
    tokens: int | None = None
    """Inputs are whole numbers below this; None: floating-point numbers."""
    threads: int | None = None
    """Threads of a CPU."""


def run(arguments: Sequence[str]) -> int:
    """Prints the report; 1 if there is a problem."""
    options = parse(Options, arguments, "innerloop check", str(Options.__doc__))
    given = _arguments(options.arguments)
    if not options.input or min(options.input) < 1:
        raise UsageError(
            "--input: expected the shape of one example, as in --input 1 28 28; got "
            f"{' '.join(map(str, options.input)) or 'nothing'}."
        )
    if options.tokens is not None and options.tokens < 1:
        raise UsageError(f"--tokens: expected the size of the vocabulary, at least 1; got {options.tokens}.")
    from innerloop.checks import check
    from innerloop.cli._load import load_module
    from innerloop.cli._work import set_threads

    set_threads(options.threads)
    x = _inputs(options.input, options.tokens)
    report = check(load_module(options.module, given), x)
    print(report)
    return 0 if report.ok else 1


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--arguments: expected a JSON object, as in '{{\"outputs\": 5}}'; {error}.") from None
    if not isinstance(found, dict):
        raise UsageError(f"--arguments: expected a JSON object, as in '{{\"outputs\": 5}}'; got {text!r}.")
    return found


def _inputs(shape: tuple[int, ...], tokens: int | None) -> Any:
    import torch

    draw = torch.Generator().manual_seed(0)
    try:
        if tokens is not None:
            return torch.randint(tokens, (ROWS, *shape), generator=draw)
        return torch.randn(ROWS, *shape, generator=draw)
    except (RuntimeError, OverflowError, TypeError, ValueError, MemoryError):
        raise UsageError(f"--input, --tokens: {ROWS} examples of shape {list(shape)} cannot be made.") from None
