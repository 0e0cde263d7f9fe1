"""Clean pictures of characters, rendered from the fonts that ship inside matplotlib and cached.

Shape legend: R pictures, C characters.
"""

from __future__ import annotations

import hashlib
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._cache import cache_folder, write_atomically

# Part of the cache file's name: raise it whenever a change below changes a pixel.
RENDERING = 1
SIZE = 32
"""Side of a clean picture."""
INK = 28
"""Longer side of a glyph in it."""


def font_files() -> list[Path]:
    """The DejaVu and STIX text fonts of the installed matplotlib, in alphabetical order.

    Its other fonts hold symbols, or boxes in place of letters.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ("DejaVuSans*.ttf", "DejaVuSerif*.ttf", "STIXGeneral*.ttf")
    found = sorted(path for name in names for path in folder.glob(name) if "Display" not in path.name)
    if not found:
        raise DataError(
            f"Expected the DejaVu fonts that ship with matplotlib in {folder}; found none. "
            "Reinstall matplotlib from PyPI or conda-forge."
        )
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def render(font: Any, code: int) -> NDArray[np.uint8] | None:
    """The glyph of `code`, scaled so that its longer side is `INK`, centred; None if it has no ink.

    Args:
        font: a `matplotlib.ft2font.FT2Font` that has `code`.
        code: a code point.
    """
    image = _ink(font, code, 64.0)
    if image is None:
        return None
    # once more at the size that fills the frame: only now has the ink been measured, without its bearings
    image = _ink(font, code, 64.0 * INK / max(image.shape))
    if image is None:
        return None
    image = image[:SIZE, :SIZE]
    height, width = image.shape
    frame = np.zeros((SIZE, SIZE), dtype=np.uint8)
    row, column = (SIZE - height) // 2, (SIZE - width) // 2
    frame[row : row + height, column : column + width] = image
    return frame


def _ink(font: Any, code: int, points: float) -> NDArray[np.uint8] | None:
    font.set_size(points, 72)
    font.set_text(chr(code), 0.0, flags=_no_hinting())
    if not all(font.get_width_height()):
        return None
    font.draw_glyphs_to_bitmap(antialiased=True)
    image = np.asarray(font.get_image(), dtype=np.uint8)
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else None


def _no_hinting() -> Any:
    from matplotlib import ft2font

    # the flags moved into an enumeration in matplotlib 3.10
    module: Any = ft2font
    return module.LoadFlags.NO_HINTING if hasattr(module, "LoadFlags") else module.LOAD_NO_HINTING


def renders(path: Path, codes: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Position in `codes` and clean picture of every character that the font at `path` has."""
    from matplotlib import ft2font

    font = ft2font.FT2Font(os.fspath(path))
    known = font.get_charmap()
    for position, code in enumerate(codes):
        # asked for a character that it lacks, a font draws a box
        if code in known and (picture := render(font, code)) is not None:
            yield position, picture


def glyphs(codes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Clean pictures of characters, from the cache if it has them.

    Args:
        codes: code points.

    Returns:
        `(R, SIZE, SIZE)` uint8 pictures, those of one character side by side with its fonts in alphabetical
        order, and `(C,)` the number of pictures of each character.

    Raises:
        DataError: if no font has one of the characters.
    """
    import matplotlib

    fonts = font_files()
    content = repr((RENDERING, [(path.name, digest(path)) for path in fonts], list(codes)))
    name = f"characters-{RENDERING}-matplotlib-{matplotlib.__version__}-"
    path = cache_folder() / f"{name}{hashlib.sha256(content.encode()).hexdigest()[:16]}.safetensors"
    cached = _read(path, len(codes))
    if cached is None:
        cached = _draw(fonts, codes)
        _write(path, *cached)
    return cached


def _draw(fonts: Sequence[Path], codes: Sequence[int]) -> tuple[Tensor, Tensor]:
    drawn = [(position, f, picture) for f, path in enumerate(fonts) for position, picture in renders(path, codes)]
    drawn.sort(key=lambda entry: entry[:2])
    counts = torch.bincount(torch.tensor([entry[0] for entry in drawn], dtype=torch.int64), minlength=len(codes))
    missing = [f"U+{code:04X}" for code, count in zip(codes, counts.tolist(), strict=True) if count == 0]
    if missing:
        raise DataError(
            f"Expected every character in a font of the installed matplotlib; {len(missing)} are in none "
            f"({', '.join(missing[:5])}). Install the version of matplotlib that characters.json names."
        )
    return torch.from_numpy(np.stack([entry[2] for entry in drawn])), counts


def _checksum(pictures: Tensor, counts: Tensor) -> Tensor:
    return torch.tensor(zlib.crc32(counts.numpy().tobytes(), zlib.crc32(pictures.numpy().tobytes())))


def _write(path: Path, pictures: Tensor, counts: Tensor) -> None:
    from safetensors.torch import save

    tensors = {"pictures": pictures, "counts": counts, "checksum": _checksum(pictures, counts)}
    # as bytes, so that a full disk is an OSError like any other
    content = save(tensors)
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def _read(path: Path, characters: int) -> tuple[Tensor, Tensor] | None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    if not path.exists():
        return None
    try:
        tensors = load(path.read_bytes())
        pictures, counts = tensors["pictures"], tensors["counts"]
        if torch.equal(tensors["checksum"], _checksum(pictures, counts)) and len(counts) == characters:
            return pictures, counts
        reason = "its checksum does not fit"
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error)
    warnings.warn(f"The cache file {path} is damaged ({reason}); making it again.", stacklevel=2)
    return None
