"""Omniglot in its two benchmarks, which share nothing but the drawings."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.sources import _omniglot_files
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._cache import cache_folder
from innerloop.sources._centre import centred
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._warp import Warp

HELD_OUT = ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin")
"""Background alphabets for validation in protocol B; our choice, all of 20 characters or more."""

WARP = Warp(rotation=10, shear=0.15, scale=0.15, elastic=0.05, stroke=0.3, zoom=1.0)
"""What `augment` does to a training drawing: less than a different hand would; a choice."""


class Omniglot(Splits):
    """Handwritten characters of 50 alphabets: 1,623 characters, 20 drawings of each, 28 x 28, ink bright.

    Two benchmarks go by this name, and their numbers must never be compared:

    - **Protocol A**, the common one: 1,028 / 172 / 423 characters (train / validation / test), tasks mix
      alphabets, and each rotation by a quarter turn is a class of its own, in the test as well (Vinyals et
      al. 2016 in the form of Snell et al. 2017). It is nearly solved. Characters of one alphabet may be in
      train and in test.
    - **Protocol B**, within alphabets: every task is drawn from one alphabet, train on background alphabets,
      test on the 20 evaluation alphabets, no rotations (Lake et al. 2015; the tasks are ours; `LakeRuns` has
      Lake's 20 fixed ones). Five background alphabets (`HELD_OUT`) are for validation. An alphabet of fewer than `ways`
      characters never comes up: at 20 ways Blackfoot, Inuktitut, Ojibwe and Tagalog, all of them in train.

    The drawings are decoded and checked once, then kept in the cache folder. One drawing is there twice
    (Braille, character01: 03 and 19); it is left as it is, for the sake of comparable numbers.

    Args:
        root: folder with `images_background.zip` and `images_evaluation.zip`, or with the folders unpacked
            from them. If left out: `$INNERLOOP_DATA/omniglot`, else the cache folder.
        protocol: "A" or "B".
        ways: classes in a task; 5 in A and 20 in B if left out.
        shots: support drawings per class.
        queries: query drawings per class; 15 in A and 1 in B if left out.
        seed: another seed gives other tasks.
        rotations: whether rotated characters are classes of their own, in all three splits; in A only, where
            they are if left out.
        download: fetch the archives (14 MB) if they are not there.
        augment: in B, more to train on: every alphabet turned by a quarter is an alphabet of its own, and every
            training drawing is bent a little, anew each time. Validation and test stay as they are.
        centre: move every drawing, also of validation and test, so that its ink's centre of mass is in the middle.
            The tables of others have drawings where their authors put them.

    Raises:
        DataError: if the drawings are missing, damaged or not Omniglot's.
        ConfigurationError: if the protocol is unknown, or one is asked for what only the other has.
    """

    pictures = _omniglot_files.PICTURES

    def __init__(
        self,
        root: str | Path | None = None,
        protocol: str = "A",
        ways: int | None = None,
        shots: int = 1,
        queries: int | None = None,
        seed: int = 0,
        rotations: bool | None = None,
        download: bool = False,
        augment: bool = False,
        centre: bool = False,
    ):
        if protocol not in ("A", "B"):
            raise ConfigurationError(f'Omniglot has the protocols "A" and "B"; got {protocol!r}.')
        if protocol == "B" and rotations:
            raise ConfigurationError(
                "Protocol B has no rotations. Leave out `rotations`, or use protocol A; `augment` turns the training "
                "alphabets alone."
            )
        if protocol == "A" and augment:
            raise ConfigurationError(
                "Only protocol B has `augment`: in A, rotations are classes already. Leave it out."
            )
        images, names = _load(None if root is None else Path(root), download)
        if centre:
            images = centred(images)
        self.pictures = dataclasses.replace(self.pictures, centre=centre)
        if protocol == "A":
            rotations = rotations is None or rotations
            table = json.loads(resources.files("innerloop.sources").joinpath("omniglot_splits.json").read_text("utf-8"))
            parts = split_by_character(names, table["alphabets"])
            name = "omniglot A, rotations" if rotations else "omniglot A, no rotations"
        else:
            rotations = False
            parts = split_by_alphabet(names, HELD_OUT)
            name = "omniglot B"
        name += ", centred" if centre else ""
        if ways is None:
            ways = 5 if protocol == "A" else 20
        if queries is None:
            queries = 15 if protocol == "A" else 1
        self.protocol = protocol
        super().__init__(
            *(
                ClassTasks(
                    augmented_classes(images, names, parts[split])
                    if augment and split == "train"
                    else character_classes(images, names, parts[split], rotations),
                    ways=ways,
                    shots=shots,
                    queries=queries,
                    seed=seed,
                    split=split,
                    within_groups=protocol == "B",
                    name=f"{name}, augmented" if augment and split == "train" else name,
                )
                for split in SPLITS
            )
        )


def _load(root: Path | None, download: bool) -> tuple[Tensor, list[str]]:
    given = root is not None
    if root is None:
        data = os.environ.get("INNERLOOP_DATA")
        root = Path(data, "omniglot") if data else cache_folder() / "omniglot"
    if download and (given or not _omniglot_files.cached()):
        _omniglot_files.fetch(root)
    elif given:
        _omniglot_files.present(root)  # a wrong path is an error even where the cache could help
    return _omniglot_files.read(root)


def split_by_character(
    names: Sequence[str], table: Mapping[str, Mapping[str, Sequence[tuple[int, int]]]]
) -> dict[str, list[int]]:
    """Protocol A: positions of the characters of each split.

    Args:
        names: "half/alphabet/characterNN" of all characters.
        table: for each alphabet and split, ranges of character numbers, both ends included.

    >>> table = {"Latin": {"train": [(1, 1)], "test": [(2, 2)]}}
    >>> split_by_character(["h/Latin/character01", "h/Latin/character02"], table)
    {'train': [0], 'validation': [], 'test': [1]}
    """
    parts: dict[str, list[int]] = {split: [] for split in SPLITS}
    for position, name in enumerate(names):
        _, alphabet, character = name.split("/")
        number = int(character.removeprefix("character"))
        for split, ranges in table[alphabet].items():
            if any(first <= number <= last for first, last in ranges):
                parts[split].append(position)
    return parts


def split_by_alphabet(names: Sequence[str], held_out: Sequence[str]) -> dict[str, list[int]]:
    """Protocol B: positions of the characters of each split.

    >>> names = ["images_background/Latin/character01", "images_background/Braille/character01"]
    >>> split_by_alphabet([*names, "images_evaluation/ULOG/character01"], ["Latin"])
    {'train': [1], 'validation': [0], 'test': [2]}
    """
    parts: dict[str, list[int]] = {split: [] for split in SPLITS}
    for position, name in enumerate(names):
        half, alphabet, _ = name.split("/")
        background = "validation" if alphabet in held_out else "train"
        parts["test" if half == "images_evaluation" else background].append(position)
    return parts


def character_classes(images: Tensor, names: Sequence[str], chosen: Sequence[int], rotations: bool) -> ClassData:
    """The chosen characters as classes, each followed by its rotations if asked for; alphabets are groups."""
    alphabets = sorted({name.split("/")[1] for name in names})
    turns = (0, 1, 2, 3) if rotations else (0,)
    drawings = images[list(chosen)]  # (C, 20, 28, 28)
    rows = torch.stack([torch.rot90(drawings, turn, (-2, -1)) for turn in turns], dim=1)
    short = [names[position].split("/", 1)[1] for position in chosen]
    return ClassData(
        rows.flatten(0, 2)[:, None].contiguous(),
        counts=[images.shape[1]] * (len(chosen) * len(turns)),
        names=[f"{name}/rot{turn * 90:03d}" if rotations else name for name in short for turn in turns],
        groups=[alphabets.index(name.split("/")[0]) for name in short for _ in turns],
        origins=[position for position in range(len(short)) for _ in turns],
    )


def augmented_classes(images: Tensor, names: Sequence[str], chosen: Sequence[int]) -> ClassData:
    """The chosen characters and their quarter turns as classes, each turn of an alphabet a group; drawings are bent."""
    turned = character_classes(images, names, chosen, rotations=True)
    assert turned.groups is not None
    groups = [4 * group + position % 4 for position, group in enumerate(turned.groups)]
    return dataclasses.replace(turned, groups=groups, transform=WARP, distinct=True)
