"""The optional packages of the applications that run simulators, and their versions."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from innerloop.extras import missing, optional

__all__ = ["SIMULATORS", "optional", "versions"]

SIMULATORS = ("metaworld", "mujoco", "gymnasium")
"""Packages whose version decides the numbers: rewards and physics differ between versions of MuJoCo."""


def versions(extra: str | None = None) -> dict[str, str]:
    """Versions of the simulators, for results files, run folders and caches.

    Args:
        extra: the extra that needs them all; None: those that are installed.

    Raises:
        ConfigurationError: if one that is needed is not installed; it names the extra.
    """
    found = {}
    for package in SIMULATORS:
        try:
            found[package] = version(package)
        except PackageNotFoundError as error:
            if extra is not None:
                raise missing(package, extra, "is not installed") from error
    return found
