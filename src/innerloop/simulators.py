"""The optional packages of the applications that run simulators, and their versions."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from innerloop import extras
from innerloop.errors import ConfigurationError

SIMULATORS = ("metaworld", "mujoco", "gymnasium")
"""Packages whose version decides the numbers: rewards and physics differ between versions of MuJoCo."""
META_WORLD_REWARD = "v2"
"""The version of its rewards that Meta-World takes unless it is told otherwise; it has them beside its own version."""


def optional(package: str, extra: str) -> Any:
    """A package of an extra that has simulators.

    Raises:
        ConfigurationError: if it cannot be imported; it names the extra, or the renderer that MuJoCo fails with.
    """
    try:
        return extras.optional(package, extra)
    except Exception as error:  # MuJoCo loads its renderer as it is imported, and what that raises has no common kind
        if renderer := os.environ.get("MUJOCO_GL"):
            said = " ".join(str(error.__cause__ or error).split())
            raise ConfigurationError(
                f"{package.partition('.')[0]} cannot be imported with MUJOCO_GL={renderer!r} ({said}). Unset it, or "
                "install a software renderer (on Debian: libegl1 and libgl1-mesa-dri with MUJOCO_GL=egl, libosmesa6 "
                f"with MUJOCO_GL=osmesa). If the package is missing: pip install 'innerloop[{extra}]'."
            ) from error
        raise


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
                raise extras.missing(package, extra, "is not installed") from error
    return found
