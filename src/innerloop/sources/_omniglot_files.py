"""Reading Omniglot from its zips or folders, checking what was read, and keeping it as 28 x 28 pictures."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._cache import cache_folder
from innerloop.sources._download import download
from innerloop.sources._pictures import Pictures
from innerloop.sources._stored import keep, recall

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
PICTURES = Pictures(size=28, grey=True, ink="bright")
DRAWINGS = 20
_LARGEST = 1 << 20  # bytes of one drawing; the real ones have a few hundred


@dataclass(frozen=True)
class Half:
    """One of the two archives that Omniglot comes in.

    Args:
        name: of the archive and of its folder.
        characters: how many it holds.
        content: sha256 over the names and pixels of all drawings; the same however the archive was packed.
        md5: checksum of the published archive.
    """

    name: str
    characters: int
    content: str
    md5: str


HALVES = (
    Half(
        name="images_background",
        characters=964,
        content="146bc5aa917cbe70d71cd97f6f1b7036c21937c0985dfae211b95e44c132a75b",
        md5="68d2efa1b9178cc56df9314c21c6e718",
    ),
    Half(
        name="images_evaluation",
        characters=659,
        content="584b91da0b9d40788ff7277fb9b13d42ad798e6470b6eaad28eeaf437f90746a",
        md5="6b91aef0f799c5bb55b94e3f2daec811",
    ),
)


def read(root: Path, halves: Sequence[Half] = HALVES) -> tuple[Tensor, list[str]]:
    """All drawings, as `(characters, 20, 28, 28)` uint8 with bright ink, and "half/alphabet/character" names.

    They are read from `root` once; afterwards the cache has them.

    Args:
        root: a folder with the two zips or the two unpacked folders.
        halves: what to find there.

    Raises:
        DataError: if something is missing, damaged, or not Omniglot.
    """
    if (known := recall(_stored_at(halves))) is not None:
        return known[0], json.loads(known[1]["names"])
    present(root, halves)
    names: list[str] = []
    drawings: list[Tensor] = []
    for half in halves:
        digest = hashlib.sha256()
        for character, files in _characters(root, half).items():
            names.append(f"{half.name}/{character}")
            digest.update(character.encode())
            drawings.append(torch.stack([_decode(path, content, digest) for path, content in files]))
        if digest.hexdigest() != half.content:
            raise DataError(
                f"{half.name} in {str(root)!r} has the right files, but other drawings than Omniglot (their "
                f"sha256 is {digest.hexdigest()}; expected {half.content}). Get it again from "
                f"{URL}{half.name}.zip."
            )
    images = torch.stack(drawings)
    keep(_stored_at(halves), images, {"names": json.dumps(names)})
    return images, names


def cached(halves: Sequence[Half] = HALVES) -> bool:
    """Whether an earlier `read` left its result in the cache, so that the files are not needed."""
    return _stored_at(halves).is_file()


def present(root: Path, halves: Sequence[Half] = HALVES) -> None:
    """Checks that both halves are there.

    Raises:
        DataError: if one is missing.
    """
    for half in halves:
        if not (root / f"{half.name}.zip").is_file() and not (root / half.name).is_dir():
            raise DataError(
                f"No {half.name}.zip and no folder {half.name} in {str(root)!r}. Pass the folder that holds "
                "Omniglot, set INNERLOOP_DATA to the folder above it, use download=True, or put "
                f"{URL}{half.name}.zip there."
            )


def fetch(root: Path, halves: Sequence[Half] = HALVES, url: str = URL) -> None:
    """Downloads the halves that are missing in `root`.

    Raises:
        DataError: if a file cannot be had.
    """
    for half in halves:
        if not (root / f"{half.name}.zip").is_file() and not (root / half.name).is_dir():
            download(f"{url}{half.name}.zip", root / f"{half.name}.zip", half.md5)


def _stored_at(halves: Sequence[Half]) -> Path:
    digest = hashlib.sha256("".join(half.content for half in halves).encode()).hexdigest()
    return cache_folder() / f"omniglot28-{digest[:16]}.safetensors"


def _characters(root: Path, half: Half) -> dict[str, list[tuple[str, bytes]]]:
    """Names and contents of the drawings of each "alphabet/character", sorted."""
    archive = root / f"{half.name}.zip"
    files = _from_zip(archive) if archive.is_file() else _from_folder(root, half.name)
    pattern = re.compile(rf"(?:^|/){half.name}/([^/]+/character\d+)/[^/.][^/]*\.png$")
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path, content in files:
        if (match := pattern.search(path)) and not path.startswith("__MACOSX"):
            found.setdefault(match[1], []).append((path, content))
    if len(found) != half.characters:
        raise DataError(
            f"Expected {half.characters} characters in {half.name} below {str(root)!r}; found {len(found)}. "
            f"Unpack or download {half.name}.zip again."
        )
    for character, drawings in found.items():
        if len(drawings) != DRAWINGS:
            raise DataError(
                f"Expected {DRAWINGS} drawings of {half.name}/{character} below {str(root)!r}; found "
                f"{len(drawings)}. Unpack or download {half.name}.zip again."
            )
    return {character: sorted(found[character]) for character in sorted(found)}


def _from_zip(archive: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if entry.filename.endswith(".png"):
                    if entry.file_size > _LARGEST:
                        raise DataError(
                            f"{entry.filename} in {str(archive)!r} claims {entry.file_size} bytes; a drawing "
                            "of Omniglot has a few hundred. Get the archive again."
                        )
                    yield entry.filename, file.read(entry)
    except DataError:
        raise
    except Exception as error:  # zipfile raises whatever the damage makes it stumble over
        raise DataError(
            f"Cannot read {str(archive)!r}: {type(error).__name__}: {error}. The archive is damaged: get it again."
        ) from error


def _from_folder(root: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in (root / name).glob("*/character*/*.png"):
        yield path.relative_to(root).as_posix(), path.read_bytes()


def _decode(path: str, content: bytes, digest: hashlib._Hash) -> Tensor:
    try:
        with Image.open(io.BytesIO(content)) as image:
            digest.update(image.convert("L").tobytes())
            return PICTURES.convert(image)[0]
    except Exception as error:  # decoders raise whatever the damage makes them stumble over
        raise DataError(f"Cannot read the drawing {path!r}: {type(error).__name__}: {error}. Get it again.") from error
