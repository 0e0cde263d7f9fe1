"""Decoded data kept between runs, in one safetensors file that is whole or absent."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from innerloop.sources._cache import write_atomically


def recall(path: Path) -> tuple[Tensor, dict[str, str]] | None:
    """What `keep` stored at `path`; None if there is nothing, or it is damaged and must be made again."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("data"), dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        return None


def keep(path: Path, data: Tensor, metadata: dict[str, str] | None = None) -> None:
    """Stores a tensor at `path` for `recall`."""

    def write(temporary: Path) -> None:
        try:
            save_file({"data": data.contiguous()}, temporary, metadata=metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error

    write_atomically(path, write)
