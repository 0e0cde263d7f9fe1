"""Tasks over a folder of pictures, one folder per class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._cache import cache_folder
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._partition import Partition, partition
from innerloop.sources._pictures import Pictures, class_folders
from innerloop.sources._stored import keep, recall


class ImageFolder(Splits):
    """N-way K-shot tasks over pictures on disk: a folder per class, pictures of any size.

    Classes, not pictures, are divided into train, validation and test. A class is a folder that holds
    pictures directly, named by its path below `root`; folders of classes are groups, so that
    `train.with_(within_groups=True)` gives tasks of neighbouring classes. All pictures are decoded once and
    held in memory as bytes: 20,000 of 84 x 84 in colour take 0.4 GB.

    Args:
        root: the folder of folders.
        ways: classes in a task.
        shots: support pictures per class.
        queries: query pictures per class.
        size: pixels along each side.
        grey: one channel instead of three.
        ink: "bright" inverts dark ink on light paper; see `Pictures`.
        splits: class names of each split (train, validation, test), a JSON file of them, or three shares of
            the classes, dealt by a stable hash of their names; 0.64, 0.16 and 0.2 if left out.
        seed: another seed gives other tasks.
        cache: keep the decoded pictures in the cache folder for the next time.

    Attributes:
        pictures: how the files became tensors; what a new picture must go through too.

    Raises:
        DataError: if there are too few classes or pictures, or a picture cannot be read; it names them.
    """

    def __init__(
        self,
        root: str | Path,
        ways: int = 5,
        shots: int = 1,
        queries: int = 15,
        size: int = 84,
        grey: bool = False,
        ink: str = "as is",
        splits: Partition = None,
        seed: int = 0,
        cache: bool = True,
    ):
        root = Path(root)
        self.pictures = Pictures(size=size, grey=grey, ink=ink)
        folders = class_folders(root)
        parts = partition(list(folders), splits, least=ways)
        wanted = {name for part in parts.values() for name in part}
        chosen = {name: files for name, files in folders.items() if name in wanted}
        _check_counts(chosen, shots, queries)
        rows = decoded(root, chosen, self.pictures, cache)
        data = class_data(rows, {name: len(files) for name, files in chosen.items()}, parts)
        super().__init__(
            *(ClassTasks(data[split], ways, shots, queries, seed, split, name=root.resolve().name) for split in SPLITS)
        )


def _check_counts(folders: Mapping[str, Sequence[Path]], shots: int, queries: int) -> None:
    short = [f"{name!r} ({len(files)})" for name, files in folders.items() if len(files) < shots + queries]
    if short:
        raise DataError(
            f"{shots} shots and {queries} queries need {shots + queries} pictures of each class; "
            f"{len(short)} classes have fewer: {', '.join(short[:10])}{', ...' if len(short) > 10 else ''}. "
            "Use fewer shots or queries, add pictures, or leave these classes out of `splits`."
        )


def decoded(root: Path, folders: Mapping[str, Sequence[Path]], pictures: Pictures, cache: bool) -> Tensor:
    """The pictures of all classes one after the other, `(R, channels, size, size)` uint8.

    Args:
        root: the folder that they are in.
        folders: the files of each class.
        pictures: how a file becomes a tensor.
        cache: look for them in the cache folder, and leave them there.
    """
    files = [path for paths in folders.values() for path in paths]
    stored = cache_folder() / "pictures" / f"{_fingerprint(root, files, pictures)}.safetensors"
    if cache and (known := recall(stored)) is not None:
        return known[0]
    rows = torch.empty(len(files), pictures.channels, pictures.size, pictures.size, dtype=torch.uint8)
    for row, path in zip(rows, files, strict=True):
        row.copy_(pictures.load(path))
    if cache:
        keep(stored, rows)
    return rows


def _fingerprint(root: Path, files: Sequence[Path], pictures: Pictures) -> str:
    # the time of change alone would not do: unpacked archives often give one and the same time to all files
    digest = hashlib.sha256(json.dumps(["pictures 1", str(root.resolve()), asdict(pictures)]).encode())
    for path in files:
        try:
            state = path.stat()
        except OSError as error:
            raise DataError(f"Cannot read the picture {str(path)!r}: {error}. Remove it or put it back.") from error
        digest.update(json.dumps([str(path.relative_to(root)), state.st_size, state.st_mtime_ns]).encode())
    return digest.hexdigest()[:32]


def class_data(rows: Tensor, counts: Mapping[str, int], parts: Mapping[str, Sequence[str]]) -> dict[str, ClassData]:
    """The rows of each split.

    Args:
        rows: the examples, class after class in the order of `counts`.
        counts: number of rows of each class.
        parts: class names of each split.
    """
    names = list(counts)
    pieces = dict(zip(names, torch.split(rows, list(counts.values())), strict=True))
    groups = sorted({name.rpartition("/")[0] for name in names})
    return {
        split: ClassData(
            torch.cat([pieces[name] for name in part]),
            counts=[counts[name] for name in part],
            names=list(part),
            groups=[groups.index(name.rpartition("/")[0]) for name in part],
        )
        for split, part in parts.items()
    }
