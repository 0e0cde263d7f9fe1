"""CLINC150: short requests to an assistant, split by domain, so that a test is about a subject never seen."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from innerloop.errors import DataError
from innerloop.sources._base import SPLITS
from innerloop.sources._cache import cache_folder
from innerloop.sources._text import Encoder, Text

_URL = "https://github.com/clinc/oos-eval"
_PARTS = ("train", "val", "test")
_SHARES = (6, 2, 2)
"""Domains for train, validation and test, of ten in the order of their names."""


class Clinc150(Text):
    """150 intents of 10 domains with 150 texts each; few-shot tasks over intents of domains never seen in training.

    The domains in the order of their names go to train (6), validation (2) and test (2): utility and work are the
    test. The data set's own division of the texts is for ordinary classification and plays no part here; texts out of
    its scope are left out. Five texts occur twice: one within an intent, which counts once, and four under two
    intents, which are left out.

    Args:
        root: folder with `data_full.json` and `domains.json`; `$INNERLOOP_DATA/clinc150` if left out, else the cache
            folder.
        ways: intents in a task.
        shots: support texts per intent.
        queries: query texts per intent.
        within_domains: draw all intents of a task from one domain, which is harder.
        encoder: from texts to an array or tensor `(N, D)`; None: hashed n-grams weighted on the training domains.
        dimensions: length of the vectors of hashed n-grams.
        seed: another seed gives other tasks.

    Attributes:
        domains: names of the domains of each split.

    Raises:
        DataError: if the files are missing or not CLINC150's.

    Source: Larson et al. 2019, "An evaluation dataset for intent classification and out-of-scope prediction". The split
    by domain is ours.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        ways: int = 5,
        shots: int = 1,
        queries: int = 15,
        *,
        within_domains: bool = False,
        encoder: Encoder | None = None,
        dimensions: int = 2_048,
        seed: int = 0,
    ):
        if root is None:
            data = os.environ.get("INNERLOOP_DATA")
            root = Path(data) if data else cache_folder()
            root = root / "clinc150"
        pairs, domains = _pairs(Path(root)), _domains(Path(root))
        self.domains = split_domains(sorted(domains))
        of_intent = {intent: domain for domain, intents in domains.items() for intent in intents}
        super().__init__(
            pairs,
            ways,
            shots,
            queries,
            splits={split: [i for d in self.domains[split] for i in domains[d]] for split in SPLITS},
            groups=of_intent if within_domains else None,
            encoder=encoder,
            dimensions=dimensions,
            seed=seed,
            name="clinc150 within domains" if within_domains else "clinc150",
        )


def split_domains(names: Sequence[str]) -> dict[str, list[str]]:
    """Domains of each split: the first six in the order given, the next two, the rest.

    >>> split_domains(list("abcdefghij"))["test"]
    ['i', 'j']
    """
    first, second = _SHARES[0], _SHARES[0] + _SHARES[1]
    return {"train": list(names[:first]), "validation": list(names[first:second]), "test": list(names[second:])}


def _pairs(root: Path) -> list[tuple[str, str]]:
    content = _read(root / "data_full.json")
    missing = [part for part in _PARTS if not isinstance(content.get(part), list)]
    if missing:
        raise DataError(
            f"{root / 'data_full.json'} has no list {missing[0]!r}: it is not CLINC150's. Get it from {_URL}."
        )
    return [pair for part in _PARTS for pair in content[part]]


def _domains(root: Path) -> dict[str, list[str]]:
    content = _read(root / "domains.json")
    if len(content) != sum(_SHARES) or not all(isinstance(intents, list) for intents in content.values()):
        raise DataError(
            f"{root / 'domains.json'} should name the intents of {sum(_SHARES)} domains; got {list(content)}. Get it "
            f"from {_URL}."
        )
    return dict(content)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"Cannot read {str(path)!r}: {error}. Pass the folder that holds CLINC150's data_full.json and "
            f"domains.json, or set INNERLOOP_DATA to the folder above it; they are at {_URL}."
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{str(path)!r} holds a {type(content).__name__}; expected an object. Get it from {_URL}.")
    return content
