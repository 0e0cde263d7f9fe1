"""Dealing names (of classes, of tasks) to train, validation and test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._base import SPLITS

FRACTIONS = (0.64, 0.16, 0.2)
"""Shares of train, validation and test, those of miniImageNet."""

Partition = Sequence[float] | Mapping[str, Sequence[str]] | str | Path | None
"""Three shares; or the names of each split, also as a JSON file of them; or None for the usual shares."""


def partition(names: Sequence[str], splits: Partition, least: int = 1, what: str = "classes") -> dict[str, list[str]]:
    """The names of each split.

    Shares are cut from the names in the order of a hash of each name: the same names are always dealt the
    same way, on any machine, and a name more moves only those that lie at a cut.

    Args:
        names: what there is to deal, without repetition.
        splits: three shares that add up to 1, or the names of each split: names that are in no split are left
            out.
        least: how many names every split needs.
        what: what the names are of, for errors.

    Raises:
        DataError: if a split has fewer than `least` names, an unknown name, or one that another split has
            too.
        ConfigurationError: if `splits` is none of the above.

    >>> partition(["a", "b", "c", "d"], (0.5, 0.25, 0.25))
    {'train': ['c', 'd'], 'validation': ['b'], 'test': ['a']}
    """
    if isinstance(splits, str | Path):
        given = _from_file(Path(splits))
    elif isinstance(splits, Mapping):
        given = splits
    else:
        given = None
    if given is None:
        parts = _by_hash(names, _shares(cast("Sequence[float] | None", splits)))
    else:
        parts = _as_given(names, given, what)
    for split in SPLITS:
        if len(parts[split]) < least:
            raise DataError(
                f"The {split} split gets {len(parts[split])} of {len(names)} {what}; expected at least "
                f"{least}. Add {what}, or pass other `splits`{', or fewer `ways`' if least > 1 else ''}."
            )
    return parts


def fold(names: Sequence[str], folds: int, number: int, what: str = "classes") -> dict[str, list[str]]:
    """The names of each split in one fold of a cross-validation: over all folds, each name is once in the test.

    Names are dealt to `folds` parts in the order of a hash of each; part `number` is the test, the next one the
    validation, and the rest is trained on.

    Args:
        names: what there is to deal, without repetition.
        folds: how many parts, at least 3.
        number: which part is the test, from 0.
        what: what the names are of, for errors.

    Raises:
        ConfigurationError: if there is no such fold.
        DataError: if there are fewer names than folds.

    >>> fold(["a", "b", "c", "d"], folds=4, number=1)
    {'train': ['a', 'd'], 'validation': ['b'], 'test': ['c']}
    """
    if folds < 3 or not 0 <= number < folds:
        raise ConfigurationError(
            f"Expected at least 3 folds (train, validation, test) and a fold from 0 to below their number; got "
            f"folds={folds}, fold={number}."
        )
    if len(names) < folds:
        raise DataError(f"{folds} folds need as many {what}; there are {len(names)}. Use fewer folds.")
    order = _hashed(names)
    parts = {"test": order[number::folds], "validation": order[(number + 1) % folds :: folds]}
    used = {name for part in parts.values() for name in part}
    parts["train"] = [name for name in order if name not in used]
    return {split: sorted(parts[split]) for split in SPLITS}


def _hashed(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest())


def _shares(splits: Sequence[float] | None) -> Sequence[float]:
    shares = FRACTIONS if splits is None else splits
    numbers = isinstance(shares, Sequence) and all(isinstance(share, int | float) for share in shares)
    if not numbers or len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ConfigurationError(
            "`splits` must be three shares that add up to 1 (train, validation, test), names of each split, "
            f"or a JSON file of them; got {splits!r}."
        )
    return shares


def _by_hash(names: Sequence[str], shares: Sequence[float]) -> dict[str, list[str]]:
    order = _hashed(names)
    first, second = round(len(names) * shares[0]), round(len(names) * (shares[0] + shares[1]))
    cuts = {"train": order[:first], "validation": order[first:second], "test": order[second:]}
    return {split: sorted(part) for split, part in cuts.items()}


def _as_given(names: Sequence[str], given: Mapping[str, Sequence[str]], what: str) -> dict[str, list[str]]:
    if "val" in given and "validation" not in given:
        given = {"validation" if split == "val" else split: part for split, part in given.items()}
    if set(given) != set(SPLITS):
        raise ConfigurationError(f"`splits` must name {', '.join(SPLITS)}; got {', '.join(map(repr, given))}.")
    known, owner = set(names), dict[str, str]()
    for split in SPLITS:
        part = given[split]
        if isinstance(part, str) or not isinstance(part, Sequence):
            raise ConfigurationError(f"The {split} split must be a list of names; got {part!r}.")
        for name in map(str, part):
            if name not in known:
                raise DataError(f"The {split} split has {name!r}, which is none of the {len(known)} {what}.")
            if owner.setdefault(name, split) != split:
                raise DataError(f"{name!r} is in the {owner[name]} and in the {split} split; splits must be disjoint.")
    return {split: sorted(name for name in owner if owner[name] == split) for split in SPLITS}


def _from_file(path: Path) -> Mapping[str, Sequence[str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"Cannot read the splits file {str(path)!r}: {error}. Expected JSON of the form "
            '{"train": [names], "validation": [names], "test": [names]}.'
        ) from error
    if not isinstance(content, dict):
        raise DataError(
            f"The splits file {str(path)!r} holds a {type(content).__name__}; expected JSON of the form "
            '{"train": [names], "validation": [names], "test": [names]}.'
        )
    return content
