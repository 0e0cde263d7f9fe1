"""The allocator of the C library, told to keep large blocks."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_LARGEST = 1 << 30  # what glibc takes for the threshold of mmap is an int


def keep_large_blocks() -> bool:
    """Stops glibc from handing every large tensor back to the system, whose fresh pages are slow to touch.

    Worth a quarter of a training step of Conv-4 on a CPU (docs/design.md). It concerns the whole process and cannot be
    taken back, so the command does it by itself, and a program that imports the library has to ask: call it once,
    before the first large tensor. The process keeps the most memory that it ever needed.

    Returns:
        Whether it was done: False elsewhere than on Linux with glibc, where nothing happens.

    >>> keep_large_blocks() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # another C library, which has no such call
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, _LARGEST))
