"""Few-shot tasks over texts: intents, topics, tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import DataError
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._ngrams import HashedNgrams
from innerloop.sources._partition import Partition, partition
from innerloop.sources._text_file import LabelledText, labelled, read_texts, without_repeats

Encoder = Callable[[Sequence[str]], Any]
"""From N texts to an array or tensor `(N, D)`."""


class Text(Splits):
    """N-way K-shot tasks over the classes of labelled texts.

    Classes, not texts, are divided into train, validation and test. Every text is turned into a vector once, by
    `HashedNgrams` weighted on the texts of the training classes, or by an encoder of your own. A text that occurs
    twice in a class counts once; one that has several classes is left out.

    Args:
        data: a CSV file with a header line, a JSON file (a list of `[text, label]` pairs or of objects), or the pairs
            themselves.
        ways: classes in a task.
        shots: support texts per class.
        queries: query texts per class.
        text: in a file, the column or entry of the text.
        label: in a file, the column or entry of the class.
        splits: class names of each split (train, validation, test), a JSON file of them, or three shares of the
            classes, dealt by a stable hash of their names; 0.64, 0.16 and 0.2 if left out.
        groups: a group for each class; if given, all classes of a task are of one group.
        encoder: from texts to an array or tensor `(N, D)`, for instance the `encode` of a sentence encoder; None:
            hashed n-grams.
        dimensions: length of the vectors of hashed n-grams.
        seed: another seed gives other tasks.
        name: what the texts are, for results and pages.

    Attributes:
        encoder: turns new texts into vectors as the tasks have them.

    Raises:
        DataError: if the file cannot be used, a row lacks its text or label, or there are too few classes or texts.

    >>> pairs = [(f"{verb} the {noun}", verb) for verb in ("open", "close", "sell", "buy", "find", "drop", "lift")
    ...          for noun in ("door", "window", "box", "book")]
    >>> texts = Text(pairs, ways=2, shots=1, queries=2, splits=(0.4, 0.3, 0.3), dimensions=64)
    >>> texts.train[0].support.x.shape, texts.encoder(["open the lid"]).shape
    (torch.Size([2, 64]), torch.Size([1, 64]))
    """

    train: ClassTasks
    validation: ClassTasks
    test: ClassTasks

    def __init__(
        self,
        data: str | Path | Sequence[tuple[str, str]],
        ways: int = 5,
        shots: int = 1,
        queries: int = 15,
        *,
        text: str = "text",
        label: str = "label",
        splits: Partition = None,
        groups: Mapping[str, str] | None = None,
        encoder: Encoder | None = None,
        dimensions: int = 2_048,
        seed: int = 0,
        name: str = "texts",
    ):
        rows = read_texts(data, text, label) if isinstance(data, str | Path) else labelled(data)
        texts = _by_class(without_repeats(rows))
        lost = sorted({row.label for row in rows} - set(texts))
        if lost:
            raise DataError(
                f"Class {lost[0]!r} has no text that is its own: every one of them is in another class, too. Remove "
                "the class, or give its texts one label each."
            )
        parts = partition(sorted(texts), splits, least=ways)
        if encoder is None:
            encoder = HashedNgrams(dimensions).fit([t for each in parts["train"] for t in texts[each]])
        self.encoder: Encoder = encoder
        numbers = None if groups is None else _numbered(groups, list(texts))

        def tasks(split: str) -> ClassTasks:
            part = parts[split]
            data = ClassData(
                encoded(self.encoder, [t for each in part for t in texts[each]]),
                counts=[len(texts[each]) for each in part],
                names=part,
                groups=None if numbers is None else [numbers[each] for each in part],
            )
            return ClassTasks(data, ways, shots, queries, seed, split, numbers is not None, name)

        super().__init__(*(tasks(split) for split in SPLITS))


def encoded(encoder: Encoder, texts: Sequence[str]) -> Tensor:
    """What an encoder makes of texts, `(N, D)` float32.

    Raises:
        DataError: if it gives something else.
    """
    found = encoder(texts)
    try:
        rows = found.detach().cpu() if isinstance(found, Tensor) else torch.from_numpy(np.array(found))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"An encoder gives an array or a tensor of shape (N, D); got {type(found).__name__} ({error})."
        ) from error
    if rows.ndim != 2 or len(rows) != len(texts):
        raise DataError(
            f"An encoder gives a row for each of the {len(texts)} texts, shape (N, D); got {tuple(rows.shape)}."
        )
    return rows.to(torch.float32)


def _by_class(rows: Sequence[LabelledText]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.label, []).append(row.text)
    return found


def _numbered(groups: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    missing = [name for name in names if name not in groups]
    if missing:
        raise DataError(f"groups= names a group for each class; class {missing[0]!r} has none.")
    order = sorted({groups[name] for name in names})
    return {name: order.index(groups[name]) for name in names}
