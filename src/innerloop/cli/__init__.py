"""The command: `innerloop train`, `evaluate`, `compare`, `adapt`, `explain`, `report`, `check`, `bench` and others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from innerloop.cli._parse import UsageError
from innerloop.errors import InnerloopError, closest

COMMANDS = {
    "train": "meta-train a learner by a recipe; writes a run folder with a page to look at",
    "evaluate": "measure a run on test tasks",
    "compare": "measure runs on the same tasks, in pairs, with a verdict; or train methods at an equal budget first",
    "budget": "train on growing parts of the training data; says what more of them would bring",
    "adapt": "learn new classes from a folder of pictures per class; predict new pictures",
    "recommend": "recommend items to a user by a run of `ratings`, and say which of their events count",
    "explain": "what adaptation changes in a run, and which examples matter to it",
    "report": "write the page of a run again",
    "demo": "the whole story on embedded data: train, compare, look",
    "recipes": "list the recipes and their settings",
    "check": "run a module of yours through the traps of meta-learning; says what to change",
    "cite": "print the BibTeX of what a run used",
    "bench": "speed and memory of this installation against other libraries",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code. A mistake of the user is one line and code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(arguments)
    except InnerloopError as error:
        _complain(" ".join(str(error).split()))
        return 2
    except BrokenPipeError:
        return 1  # the reader of our output has gone: nothing to say, and nobody to say it to
    except OSError as error:
        # a place that cannot be read or written is the user's to mend; anything else unexpected is a bug and is shown
        _complain(_about(error))
        return 2
    except KeyboardInterrupt:
        print("innerloop: interrupted", file=sys.stderr)
        return 130


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments[0] in ("--version", "-V"):
        from innerloop import __version__

        print(f"innerloop {__version__}")
        return 0
    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        raise UsageError(
            f"Unknown command {command!r}; there are {', '.join(COMMANDS)}.{closest(command, list(COMMANDS))}"
        )
    code: int = import_module(f"innerloop.cli._{command}").run(rest)
    return code


def _complain(text: str) -> None:
    distributed = sys.modules.get("torch.distributed")  # a typing error is answered without importing torch
    joined = distributed and distributed.is_available() and distributed.is_initialized()
    # processes that torchrun started raise the same error once they are joined: rank 0 speaks for all
    if not distributed or not joined or distributed.get_rank() == 0:
        print(f"innerloop: {text}", file=sys.stderr)


def _about(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    said = f"{place}{error.strerror or error}. Check the path, its permissions and the free space."
    return " ".join(said.split())


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join([
        "innerloop: models that learn a new task from a handful of examples",
        "",
        "usage: innerloop COMMAND ...   (innerloop COMMAND --help for its options)",
        "",
        *lines,
    ])  # fmt: skip
