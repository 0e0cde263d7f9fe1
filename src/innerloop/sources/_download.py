"""Fetching a file from the net: it is there whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from innerloop.errors import DataError


def download(url: str, path: Path, md5: str, timeout: float = 30.0) -> Path:
    """Fetches `url` to `path`.

    Args:
        url: where the file is.
        path: where it goes; nothing is at this path until the file is whole and checked.
        md5: its published checksum.
        timeout: seconds without any data after which to give up.

    Raises:
        DataError: if the file cannot be had or is another one than expected.
    """
    by_hand = f"Download it by hand and put it at {str(path)!r}."
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        digest = hashlib.md5(usedforsecurity=False)
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=timeout) as answer:
            while block := answer.read(1 << 16):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != md5:
            raise DataError(
                f"The file at {url} has the md5 checksum {digest.hexdigest()}; expected {md5}. "
                f"Try again in case the transfer was cut. {by_hand}"
            )
        os.replace(temporary, path)
        temporary = None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        raise DataError(f"Could not download {url}: {reason}. {by_hand}") from error
    finally:
        if temporary is not None:
            os.remove(temporary)
    return path
