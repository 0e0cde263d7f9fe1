"""Many small pictures in one PNG, shown by a CSS background that is shifted."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from innerloop.report._html import Html, safe, tag
from innerloop.report._page import Picture, Pixels
from innerloop.report._svg import percent

LARGEST = 56
"""Pixels along the longer side of a thumbnail."""
_COLUMNS = 16


@dataclass(frozen=True)
class Sprite:
    """Pictures side by side in one file.

    Attributes:
        style: CSS for the element around the thumbnails.
        kind: "ink" for bright strokes on black, which are drawn as ink on the page; else "photo".
        columns: pictures in a row.
        rows: rows.
        width: of a thumbnail, in pixels.
        height: of a thumbnail.
    """

    style: str
    kind: str
    columns: int
    rows: int
    width: int
    height: int

    def thumb(self, index: int, label: str) -> Html:
        """Thumbnail number `index`; `label` says in words what it is."""
        row, column = divmod(index, self.columns)
        x = percent(column / max(1, self.columns - 1))
        y = percent(row / max(1, self.rows - 1))
        return tag(
            "span",
            role="img",
            aria_label=label,
            class_=f"thumb {self.kind}",
            style=f"background-position:{x} {y}",
        )


def sprite(pictures: list[Pixels | Picture]) -> Sprite:
    """Puts pictures into one PNG; all take the size of the first."""
    tiles = [_standard(picture) for picture in pictures]
    height, width = tiles[0].shape[:2]
    shrink = min(1.0, LARGEST / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    colour = any(tile.shape[2] == 3 for tile in tiles)
    ink = not colour and _is_ink(tiles)
    tiles = [_resized(np.repeat(t, 3, 2) if colour and t.shape[2] == 1 else t, size) for t in tiles]
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * size[1], columns * size[0], tiles[0].shape[2]), np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * size[1] : (row + 1) * size[1], column * size[0] : (column + 1) * size[0]] = tile
    uri = _uri(sheet, ink)
    grain = "pixelated" if max(size) < LARGEST else "auto"
    zoom, shape = f"{100 * columns}% {100 * rows}%", f"{size[0]}/{size[1]}"
    style = f"--sprite:url({uri});--zoom:{zoom};--shape:{shape};--grain:{grain}"
    return Sprite(str(safe(style)), "ink" if ink else "photo", columns, rows, *size)


def _uri(sheet: NDArray[np.uint8], ink: bool) -> str:
    if ink:
        image = Image.fromarray(np.concatenate([np.zeros_like(sheet), sheet], axis=2))
    elif sheet.shape[2] == 1:
        image = Image.fromarray(sheet[:, :, 0])
    else:
        # a palette makes photographs four times smaller, and nobody sees it at this size
        image = Image.fromarray(sheet).quantize(256)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _standard(picture: Pixels | Picture) -> NDArray[np.uint8]:
    pixels: Any = np.asarray(picture.pixels if isinstance(picture, Picture) else picture)
    if pixels.dtype == np.uint8:
        pixels = pixels / 255
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    elif pixels.ndim == 3 and pixels.shape[2] not in (1, 3) and pixels.shape[0] in (1, 3):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"A picture is (h, w) or (h, w, 3); got an array of shape {np.shape(pixels)}.")
    levels = np.clip(np.nan_to_num(pixels.astype(float)), 0, 1) * 255
    return np.array(levels.round(), np.uint8)


def _is_ink(tiles: list[NDArray[np.uint8]]) -> bool:
    corners = [int(tile[y, x, 0]) for tile in tiles for y in (0, -1) for x in (0, -1)]
    mean = float(np.mean([tile.mean() for tile in tiles]))
    return float(np.mean(np.array(corners) < 20)) > 0.8 and mean < 128


def _resized(tile: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if (tile.shape[1], tile.shape[0]) == size:
        return tile
    flat = tile[:, :, 0] if tile.shape[2] == 1 else tile
    small = Image.fromarray(flat).resize(size, Image.Resampling.LANCZOS)
    return np.array(small, np.uint8).reshape(size[1], size[0], tile.shape[2])
