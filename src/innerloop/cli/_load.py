"""A user's module from a file or a package."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from innerloop.cli._parse import UsageError
from innerloop.errors import ConfigurationError
from innerloop.own import find, guarded


def load_module(place: str, arguments: dict[str, Any]) -> nn.Module:
    """The module that `FILE.py:NAME` or `package.module:NAME` means.

    Args:
        place: where it is. NAME may have dots.
        arguments: for NAME, if it is a class or a function.

    Raises:
        UsageError: if arguments are given for what takes none.
        ConfigurationError: if there is no such place, the file cannot be run, NAME raises, or does not give a module.
    """
    found, name = find(place), place.rpartition(":")[2]
    if isinstance(found, nn.Module):
        if arguments:
            raise UsageError(f"{name} is a module already and takes no --arguments.")
        return found
    if not callable(found):
        raise ConfigurationError(
            f"{name} is of type {type(found).__name__}; expected a module, or a class or function that gives one."
        )
    made = guarded(partial(found, **arguments), f"{name}({', '.join(f'{n}={v!r}' for n, v in arguments.items())})")
    if not isinstance(made, nn.Module):
        raise ConfigurationError(f"{name} gives an object of type {type(made).__name__}; expected a torch.nn.Module.")
    return made
