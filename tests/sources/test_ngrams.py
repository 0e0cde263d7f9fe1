import json
import math
import zlib

import numpy as np
import pytest
import torch

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources import HashedNgrams

WIDE = HashedNgrams(dimensions=2**20)  # so wide that no two n-grams of these tests meet
TEXTS = ["book a table", "book a flight", "play a song"]


def test_weights_by_hand():
    # words only, one at a time: "a" is in all three texts, "book" in two, "table" in one
    ngrams = HashedNgrams(2**20, words=(1, 1), characters=(50, 50)).fit(TEXTS)
    x = ngrams(["book table table a"])[0]
    idf = {word: 1 + math.log(4 / (1 + count)) for word, count in (("book", 2), ("table", 1), ("a", 3))}
    values = {"book": idf["book"], "table": (1 + math.log(2)) * idf["table"], "a": idf["a"]}
    length = math.sqrt(sum(value**2 for value in values.values()))
    for word, value in values.items():
        (place,) = ngrams.counts(word)
        assert x[place].item() == pytest.approx(value / length, rel=1e-6)
    assert (x != 0).sum() == 3


def test_grams_are_runs_of_words_and_of_characters_within_bounds():
    assert list(HashedNgrams(words=(1, 3), characters=(2, 3)).grams("up, You!")) == [
        "w up", "w you", "w up you",
        "c <u", "c up", "c p>", "c <up", "c up>",
        "c <y", "c yo", "c ou", "c u>", "c <yo", "c you", "c ou>",
    ]  # fmt: skip


def place(ngrams, gram):
    return zlib.crc32(gram.encode()) % ngrams.dimensions


def test_places_are_the_same_on_any_machine():
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the check value of the standard
    ngrams = HashedNgrams(1000, words=(1, 2), characters=(50, 50))
    assert dict(ngrams.counts("hello you")) == {place(ngrams, gram): 1 for gram in ("w hello", "w you", "w hello you")}


def test_case_punctuation_and_forms_of_unicode_do_not_count():
    ngrams = WIDE.fit(TEXTS)
    plain, other = ngrams(["café straße", "  CAFE\u0301, “STRASSE”?"])
    assert torch.equal(plain, other)
    assert not torch.equal(plain, ngrams(["cafe strasse"])[0])


def test_vectors_have_length_one_or_none():
    x = WIDE.fit(TEXTS)(["book a boat", "never seen", "?!", ""])
    np.testing.assert_allclose(x.norm(dim=1).numpy(), [1, 1, 0, 0], rtol=1e-6)


def test_rare_words_weigh_more():
    ngrams = WIDE.fit(["the cat", "the dog", "the fish", "the bird"])
    x = ngrams(["the cat"])[0]
    word = {name: x[place(ngrams, f"w {name}")] for name in ("the", "cat")}
    assert word["cat"] > 1.5 * word["the"]


def test_texts_of_one_meaning_are_near():
    ngrams = WIDE.fit(TEXTS)
    a, b, c = ngrams(["book a table for two", "booking tables", "play some music"])
    assert a @ b > a @ c


def test_grams_that_share_a_place_are_counted_together():
    narrow = HashedNgrams(dimensions=1).fit(TEXTS)
    assert sum(narrow.counts("book a table").values()) == len(list(narrow.grams("book a table")))
    assert narrow(["anything"]).tolist() == [[1.0]]


def test_json_gives_it_back():
    ngrams = HashedNgrams(64, words=(1, 1), characters=(2, 3)).fit(TEXTS)
    again = HashedNgrams.from_json(json.loads(json.dumps(ngrams.to_json())))
    assert again == ngrams
    assert torch.equal(again(TEXTS), ngrams(TEXTS))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"words": (0, 1)}, "words are the shortest"),
        ({"characters": (4, 3)}, "characters are the shortest"),
        ({"dimensions": 0}, "dimensions must be at least 1"),
        ({"dimensions": 4, "idf": (1.0,)}, "Expected 4 weights in idf; got 1"),
    ],
)
def test_settings_that_cannot_be(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        HashedNgrams(**wrong)


def test_no_texts():
    with pytest.raises(DataError, match="at least one text"):
        HashedNgrams().fit([])
    assert HashedNgrams(8)([]).shape == (0, 8)
