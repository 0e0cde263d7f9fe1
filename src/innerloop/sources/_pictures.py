"""How a picture file becomes a tensor, and how a folder of pictures is a list of classes."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._centre import centred

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
INKS = ("as is", "bright")


@dataclass(frozen=True)
class Pictures:
    """How a picture file becomes a tensor: the same for training and for a user's own photographs.

    A picture is turned upright (EXIF), laid over white where it is transparent, cut to its centre square
    (nothing is padded or stretched) and resized with antialiasing.

    Args:
        size: pixels along each side of the result.
        grey: one channel instead of three.
        ink: "bright" inverts a picture of dark ink on light paper, that is one whose border is brighter than
            half-way between its darkest and its brightest spot; "as is" leaves all alone.
        centre: move the ink to the middle; for bright ink only.

    Raises:
        ConfigurationError: if `size` is below 1, `ink` is neither of the two, or `centre` has no ink to go by.

    >>> Pictures(size=28, grey=True, ink="bright")
    Pictures(size=28, grey=True, ink='bright', centre=False)
    """

    size: int = 28
    grey: bool = False
    ink: str = "as is"
    centre: bool = False

    def __post_init__(self) -> None:
        at_least("The size of pictures", self.size, 1)
        if self.ink not in INKS:
            raise ConfigurationError(f"ink must be one of {', '.join(map(repr, INKS))}; got {self.ink!r}.")
        if self.centre and self.ink != "bright":
            raise ConfigurationError(f'Only bright ink can be centred; got ink={self.ink!r}. Use ink="bright".')

    @property
    def channels(self) -> int:
        """1 or 3."""
        return 1 if self.grey else 3

    def load(self, path: str | Path) -> Tensor:
        """The picture in a file as `(channels, size, size)` uint8.

        Raises:
            DataError: if the file is missing, is no picture, is truncated, or has too many pixels to be
                meant.
        """
        try:
            with warnings.catch_warnings():
                # Pillow warns about odd metadata, no concern here, and about decompression bombs, which are
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path) as image:
                    return self.convert(image)
        except Exception as error:  # decoders raise whatever the damage makes them stumble over
            raise DataError(
                f"Cannot read the picture {str(path)!r}: {type(error).__name__}: {error}. Expected a whole "
                f"{', '.join(suffix[1:].upper() for suffix in SUFFIXES)} file of at most "
                f"{Image.MAX_IMAGE_PIXELS} pixels. Save it again, or remove it."
            ) from error

    def convert(self, image: Image.Image) -> Tensor:
        """An opened picture as `(channels, size, size)` uint8."""
        image = _plain(ImageOps.exif_transpose(image)).convert("L" if self.grey else "RGB")
        if self.ink == "bright" and self._is_dark_on_light(image):
            # before the resize, as in the usual 28 x 28 form of Omniglot: its rounding differs afterwards
            image = ImageOps.invert(image)
        pixels = np.array(self._square(image))
        picture = torch.from_numpy(pixels.reshape(self.size, self.size, self.channels)).permute(2, 0, 1).contiguous()
        return centred(picture) if self.centre else picture

    def _square(self, image: Image.Image) -> Image.Image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        # `resize(box=)` would let the filter reach over the edge of the square
        square = image.crop((left, top, left + side, top + side))
        return square.resize((self.size, self.size), Image.Resampling.BILINEAR)

    def _is_dark_on_light(self, image: Image.Image) -> bool:
        small = np.asarray(self._square(image.convert("L")), dtype=np.float32)
        border = np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])
        darkest, brightest = float(small.min()), float(small.max())
        middle = 127.5 if darkest == brightest else (darkest + brightest) / 2
        return bool(np.median(border) > middle)


def _plain(image: Image.Image) -> Image.Image:
    # Pillow clips what has more than 8 bits, and blackens what is transparent
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pictures of floating point numbers have no agreed white")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    return image


def class_folders(root: str | Path) -> dict[str, list[Path]]:
    """The picture files below `root`, by class: a class is a folder that holds pictures directly.

    The name of a class is its path below `root` with "/" between folders. Hidden files and folders, other
    files and pictures that lie directly in `root` are left out.

    Returns:
        Class names and their files, both sorted.

    Raises:
        DataError: if there is no such folder, it has no classes, or a class has no pictures.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"There is no folder {str(root)!r}. Expected a folder with one folder of pictures per class.")
    found: dict[str, list[Path]] = {}
    seen = {os.path.realpath(root)}
    for folder, children, files in os.walk(root, followlinks=True):
        children[:] = [name for name in children if not name.startswith(".")]
        children[:] = [name for name in children if _first_visit(os.path.join(folder, name), seen)]
        visible = [name for name in files if not name.startswith(".")]
        pictures = [Path(folder, name) for name in visible if name.lower().endswith(SUFFIXES)]
        if Path(folder) == root:
            continue
        if pictures:
            found[Path(folder).relative_to(root).as_posix()] = sorted(pictures)
        elif not children:
            others = ", ".join(sorted({Path(name).suffix.lower() or "no suffix" for name in visible}))
            raise DataError(
                f"The class folder {folder!r} holds no pictures ({', '.join(SUFFIXES)}); it holds "
                f"{f'{len(visible)} other files ({others})' if visible else 'nothing'}. "
                "Add pictures, convert what is there, or remove the folder."
            )
    if not found:
        loose = sum(path.name.lower().endswith(SUFFIXES) for path in root.iterdir())
        raise DataError(
            f"The folder {str(root)!r} has no class folders"
            f"{f'; {loose} pictures lie directly in it' if loose else ''}. "
            "Expected one folder of pictures per class."
        )
    return dict(sorted(found.items()))


def _first_visit(path: str, seen: set[str]) -> bool:
    # links may point back up: a folder is walked once
    real = os.path.realpath(path)
    if real in seen:
        return False
    seen.add(real)
    return True
