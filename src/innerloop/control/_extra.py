"""The optional packages of robot control, imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from innerloop.errors import ConfigurationError

SIMULATORS = ("metaworld", "mujoco", "gymnasium")
"""Packages whose version decides the numbers: rewards and physics differ between versions of MuJoCo."""


def optional(package: str) -> Any:
    """A package of the extra `control`.

    Raises:
        ConfigurationError: if it cannot be imported.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigurationError(
            f"Robot control needs {package.partition('.')[0]}, which cannot be imported ({error}). Install it with "
            "pip install 'innerloop[control]'."
        ) from error


def versions() -> dict[str, str]:
    """Versions of the simulators, for results files and for the cache.

    Raises:
        ConfigurationError: if one is not installed.
    """
    found = {}
    for package in SIMULATORS:
        try:
            found[package] = version(package)
        except PackageNotFoundError as error:
            raise ConfigurationError(
                f"Robot control needs {package}, which is not installed. Install it with "
                "pip install 'innerloop[control]'."
            ) from error
    return found
