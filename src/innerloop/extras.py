"""Packages of the optional extras, imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from innerloop.errors import ConfigurationError


def optional(package: str, extra: str) -> Any:
    """A package of an extra.

    Raises:
        ConfigurationError: if it cannot be imported; it names the extra.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise missing(package.partition(".")[0], extra, f"cannot be imported ({error})") from error


def missing(package: str, extra: str, why: str) -> ConfigurationError:
    """The error about a package of an extra that cannot be used."""
    return ConfigurationError(f"This needs {package}, which {why}. Install it with pip install 'innerloop[{extra}]'.")
