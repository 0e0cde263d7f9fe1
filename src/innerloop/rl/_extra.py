"""The optional packages of reinforcement learning, imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from innerloop.errors import ConfigurationError

SIMULATORS = ("metaworld", "mujoco", "gymnasium")
"""Packages whose version decides the numbers: rewards and physics differ between versions of MuJoCo."""


def optional(package: str) -> Any:
    """A package of the extra `rl`.

    Raises:
        ConfigurationError: if it cannot be imported.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigurationError(
            f"These environments need {package.partition('.')[0]}, which cannot be imported ({error}). Install it with "
            "pip install 'innerloop[rl]'."
        ) from error


def versions() -> dict[str, str]:
    """Versions of the simulators that are installed, for run folders and results files."""
    found = {}
    for package in SIMULATORS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
