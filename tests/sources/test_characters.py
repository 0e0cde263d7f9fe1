"""Characters: disjoint scripts, fixed tasks, clean pictures, a cache that mends itself."""

import json
from importlib.resources import files

import pytest
import torch
import torch.nn.functional as F

from innerloop.errors import DataError
from innerloop.sources import _glyphs
from innerloop.sources._base import SPLITS
from innerloop.sources._characters import Characters, letters
from innerloop.sources._glyphs import INK, SIZE, digest, font_files, glyphs


@pytest.fixture(scope="module")
def characters():
    return Characters()


def same_fonts():
    shipped = json.loads((files("innerloop.sources") / "characters.json").read_text(encoding="utf-8"))["fonts"]
    return shipped == {path.name: digest(path) for path in font_files()}


def accuracy_of_nearest_mean(tasks):
    support, query = (F.normalize(part.x.flatten(2), dim=-1) for part in (tasks.support, tasks.query))
    means = F.normalize(F.one_hot(tasks.support.y).float().mT @ support, dim=-1)
    return ((query @ means.mT).argmax(-1) == tasks.query.y).float().mean().item()


def test_scripts_and_characters_are_in_one_split_only():
    scripts = [{letter.script for letter in letters() if letter.split == split} for split in SPLITS]
    assert not scripts[0] & scripts[1]
    assert not scripts[0] & scripts[2]
    assert not scripts[1] & scripts[2]
    codes = [letter.code for letter in letters()]
    assert len(codes) == len(set(codes))


def test_classes_come_in_a_fixed_order(characters):
    keys = [(SPLITS.index(letter.split), letter.script, letter.code) for letter in letters()]
    assert keys == sorted(keys)
    sizes = [len(getattr(characters, split).data.names) for split in SPLITS]
    assert sizes == [705, 123, 259]
    assert characters.test.data.names[0] == "Arabic U+0621"


@pytest.mark.parametrize("split", SPLITS)
def test_classes_of_a_task_share_a_script(characters, split):
    for index in range(20):
        assert len({name.split(" U+")[0] for name in getattr(characters, split).classes(index)}) == 1


def test_a_task_has_the_same_pixels_in_any_batch(characters):
    together = characters.train[0:5]
    alone, among = characters.train[3], characters.train[[9, 3]]
    assert torch.equal(alone.support.x, together.support.x[3])
    assert torch.equal(alone.query.x, together.query.x[3])
    assert torch.equal(among.query.x[1], together.query.x[3])
    assert torch.equal(Characters().train[3].query.x, alone.query.x)


def test_another_seed_gives_other_tasks(characters):
    assert not torch.equal(Characters(seed=1).train[0].support.x, characters.train[0].support.x)


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_are_clean(characters, split):
    x = getattr(characters, split).flat(3000)[0].query.x
    assert x.shape == (3000, 1, 28, 28)
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.flatten(1).sum(1).min() > 3
    border = torch.ones(28, 28, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert (x[:, 0, border] == 0).float().mean() > 0.9
    assert (x == 0).float().mean() > 0.5


@pytest.mark.parametrize("split", SPLITS)
def test_every_class_has_ink_in_every_font(characters, split):
    data = getattr(characters, split).data
    assert min(data.counts) >= 2
    ink = data.rows[:, 0] > 0
    # from the first inked line to the last: some letters have gaps
    sides = (ink.any(2).int(), ink.any(1).int())
    height, width = (SIZE - lines.argmax(1) - lines.flip(1).argmax(1) for lines in sides)
    longer = torch.maximum(height, width)
    # a dot is measured at a few pixels before it is scaled, so it misses the size by some
    assert longer.min() >= INK - 4
    assert longer.max() <= INK + 2


@pytest.mark.skipif(not same_fonts(), reason="needs the font files of matplotlib that the characters were chosen with")
def test_no_two_characters_look_alike_in_any_font(characters):
    data = [getattr(characters, split).data for split in SPLITS]
    rows = torch.cat([part.rows for part in data]).flatten(1).float()
    rows -= rows.mean(1, keepdim=True)
    rows /= rows.norm(dim=1, keepdim=True)
    counts = torch.tensor([count for part in data for count in part.counts])
    owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
    # every seventh picture against all, to be quick
    for some in torch.arange(0, len(rows), 7).split(500):
        correlation = rows[some] @ rows.T
        correlation[owner[some][:, None] == owner] = 0
        assert correlation.max() <= 0.9501


@pytest.mark.parametrize("split", ["validation", "test"])
def test_pixels_alone_solve_less_than_half(characters, split):
    accuracy = accuracy_of_nearest_mean(getattr(characters, split)[0:200])
    assert 0.40 < accuracy < 0.48


@pytest.fixture
def few(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    return [0x41, 0x10D0, 0x5D0]


def test_the_cache_gives_back_what_was_drawn(few, monkeypatch):
    pictures, counts = glyphs(few)
    assert counts.tolist() == [16, 12, 4]
    assert pictures.shape == (32, SIZE, SIZE)
    monkeypatch.setattr(_glyphs, "_draw", lambda *_: pytest.fail("the cache was not used"))
    again = glyphs(few)
    assert torch.equal(again[0], pictures)
    assert torch.equal(again[1], counts)


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "garbage"])
def test_a_damaged_cache_is_made_again(few, tmp_path, damage):
    pictures, _ = glyphs(few)
    [path] = (tmp_path / "cache").iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-5000] ^= 0xFF
    damaged = {"empty": b"", "truncated": content[:-100], "flipped": content, "garbage": b"\x07" * 9000}[damage]
    path.write_bytes(damaged)
    with pytest.warns(UserWarning, match="damaged"):
        again, _ = glyphs(few)
    assert torch.equal(again, pictures)
    assert torch.equal(glyphs(few)[0], pictures)
    assert list((tmp_path / "cache").iterdir()) == [path]


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="INNERLOOP_CACHE"):
        pictures, _ = glyphs([0x41])
    assert len(pictures) == 16


def test_a_character_missing_in_every_font_is_named(few):
    with pytest.raises(DataError, match="U\\+4E00"):
        glyphs([*few, 0x4E00])


def test_a_character_uses_the_fonts_that_have_it(few, monkeypatch):
    every, _ = glyphs(few)
    monkeypatch.setattr(_glyphs, "font_files", lambda: [path for path in font_files() if "Sans" in path.name])
    pictures, counts = glyphs(few)
    assert counts.tolist() == [8, 8, 4]
    assert torch.equal(pictures[-4:], every[-4:])
