"""Texts as vectors without a download: hashed n-grams of words and characters, weighted by how rare they are."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class HashedNgrams:
    """Term frequency times inverse document frequency of hashed n-grams, scaled to length 1.

        tf = 1 + log(count),   idf = 1 + log((1 + texts) / (1 + texts with it)),   x = tf idf / |tf idf|

    N-grams of words are runs of words, n-grams of characters lie within a word and its two borders. Each adds to the
    dimension that the CRC-32 of its UTF-8 bytes names, the same on any machine; n-grams that share a dimension are
    counted together. It is made of plain values: `HashedNgrams.from_json(ngrams.to_json()) == ngrams`.

    Args:
        dimensions: length of a vector.
        words: shortest and longest run of words.
        characters: shortest and longest run of characters.
        idf: weights of the dimensions, from `fit`; None: all 1.

    Raises:
        ConfigurationError: for lengths that cannot be.

    Source: Weinberger et al. 2009, "Feature hashing for large scale multitask learning", without its signs; Salton and
    Buckley 1988, "Term-weighting approaches in automatic text retrieval". The lengths are a choice.

    >>> ngrams = HashedNgrams(dimensions=64).fit(["book a table", "book a flight", "play a song"])
    >>> x = ngrams(["book a table", "Book a table!"])
    >>> x.shape, bool(torch.equal(x[0], x[1]))
    (torch.Size([2, 64]), True)
    """

    dimensions: int = 2_048
    words: tuple[int, int] = (1, 2)
    characters: tuple[int, int] = (3, 5)
    idf: tuple[float, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, (shortest, longest) in {"words": self.words, "characters": self.characters}.items():
            if not 1 <= shortest <= longest:
                raise ConfigurationError(
                    f"{name} are the shortest and the longest run, from 1; got {getattr(self, name)}."
                )
        at_least("dimensions", self.dimensions, 1)
        if self.idf is not None and len(self.idf) != self.dimensions:
            raise ConfigurationError(f"Expected {self.dimensions} weights in idf; got {len(self.idf)}.")

    def fit(self, texts: Sequence[str]) -> HashedNgrams:
        """The same with weights from how many of `texts` have an n-gram of each dimension.

        Raises:
            DataError: if there are no texts.
        """
        if not texts:
            raise DataError("Expected at least one text to learn weights from; got none.")
        seen = np.zeros(self.dimensions)
        for text in texts:
            seen[list(self.counts(text))] += 1
        idf = 1 + np.log((1 + len(texts)) / (1 + seen))
        return replace(self, idf=tuple(idf.tolist()))

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """`(N, dimensions)` float32; a text without any word is all zeros."""
        idf = np.ones(self.dimensions) if self.idf is None else np.array(self.idf)
        rows: NDArray[np.float32] = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            counts = self.counts(text)
            places = list(counts)
            values = (1 + np.log(list(counts.values()))) * idf[places] if places else np.zeros(0)
            row[places] = values / max(float(np.linalg.norm(values)), 1e-12)
        return torch.from_numpy(rows)

    def counts(self, text: str) -> Counter[int]:
        """How often each dimension is named by the n-grams of a text."""
        return Counter(zlib.crc32(gram.encode("utf-8", "surrogatepass")) % self.dimensions for gram in self.grams(text))

    def grams(self, text: str) -> Iterator[str]:
        """The n-grams of a text, those of words first; lower case, without punctuation, in one form of Unicode.

        >>> list(HashedNgrams(words=(1, 2), characters=(3, 3)).grams("To do"))
        ['w to', 'w do', 'w to do', 'c <to', 'c to>', 'c <do', 'c do>']
        """
        words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        for length in range(self.words[0], self.words[1] + 1):
            for start in range(len(words) - length + 1):
                yield f"w {' '.join(words[start : start + length])}"
        for word in words:
            bounded = f"<{word}>"
            for length in range(self.characters[0], self.characters[1] + 1):
                for start in range(len(bounded) - length + 1):
                    yield f"c {bounded[start : start + length]}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> HashedNgrams:
        """What `to_json` wrote.

        Raises:
            TypeError: if it is something else.
        """
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
        return HashedNgrams(**fields)
