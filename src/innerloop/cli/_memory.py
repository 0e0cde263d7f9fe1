"""The allocator of the C library, told to keep large blocks."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def keep_large_blocks() -> None:
    """Stops glibc from handing every large tensor back to the system, whose fresh pages are slow to touch.

    Worth a quarter of a training step of Conv-4 on a CPU (measured, docs/design.md). It concerns the whole process,
    so the command does it and the library does not.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library, which has no such call
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, 1 << 30)
