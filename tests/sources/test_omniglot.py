"""A miniature Omniglot drawn here stands for the real one; what needs the real drawings is marked `data`."""

import dataclasses
import hashlib
import json
import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import needs
from innerloop.errors import ConfigurationError, DataError
from innerloop.sources import _omniglot_files
from innerloop.sources._base import SPLITS
from innerloop.sources._classes import ClassTasks
from innerloop.sources._download import download
from innerloop.sources._omniglot import (
    HELD_OUT,
    Omniglot,
    augmented_classes,
    character_classes,
    split_by_alphabet,
    split_by_character,
)
from innerloop.sources._omniglot_files import HALVES, Half, cached, fetch, read

ALPHABETS = {"images_background": {"Latin": 3, "Braille": 2}, "images_evaluation": {"ULOG": 2}}


def draw_half(root, half, alphabets, seed=0):
    """Writes a half's folders and says what to expect there."""
    random = np.random.default_rng(seed)
    digest, number = hashlib.sha256(), 0
    for alphabet in sorted(alphabets):
        for character in range(1, alphabets[alphabet] + 1):
            folder = root / half / alphabet / f"character{character:02d}"
            folder.mkdir(parents=True)
            digest.update(f"{alphabet}/character{character:02d}".encode())
            number += 1
            for drawing in range(1, 21):
                paper = random.random((105, 105)) > 0.1
                paper[[0, -1]] = paper[:, [0, -1]] = True
                Image.fromarray(paper).save(folder / f"{number:04d}_{drawing:02d}.png")
                digest.update((paper * np.uint8(255)).tobytes())
    return Half(half, number, digest.hexdigest(), md5="")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("omniglot")
    return root, [draw_half(root, half, alphabets) for half, alphabets in ALPHABETS.items()]


@pytest.fixture
def mini(drawn, tmp_path, monkeypatch):
    """A copy that a test may spoil, what to expect in it, and an empty cache."""
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INNERLOOP_DATA", raising=False)
    shutil.copytree(drawn[0], tmp_path / "omniglot")
    return tmp_path / "omniglot", drawn[1]


def pack(root, half):
    with zipfile.ZipFile(root / f"{half}.zip", "w") as archive:
        archive.writestr(f"__MACOSX/{half}/Latin/character01/._0001_01.png", b"")
        for path in sorted((root / half).rglob("*.png"), reverse=True):
            archive.write(path, path.relative_to(root).as_posix())
    shutil.rmtree(root / half)
    return root / f"{half}.zip"


def test_folders_and_zips_give_the_same_drawings(mini, monkeypatch):
    root, halves = mini
    images, names = read(root, halves)
    assert images.shape == (7, 20, 28, 28)
    assert images.dtype == torch.uint8
    assert names[0] == "images_background/Braille/character01"
    assert names[-1] == "images_evaluation/ULOG/character02"
    assert images.float().mean() < 100  # ink is bright, paper is dark
    for half in ALPHABETS:
        pack(root, half)
    monkeypatch.setenv("INNERLOOP_CACHE", str(root / "another cache"))
    again, names_again = read(root, halves)
    assert torch.equal(again, images)
    assert names_again == names


def test_the_cache_needs_no_files_and_a_damaged_one_is_made_again(mini, tmp_path):
    root, halves = mini
    assert not cached(halves)
    images, names = read(root, halves)
    assert cached(halves)
    images_again, names_again = read(tmp_path / "nowhere", halves)
    assert torch.equal(images_again, images)
    assert names_again == names
    (stored,) = (tmp_path / "cache").glob("omniglot28-*.safetensors")
    stored.write_bytes(stored.read_bytes()[:-1000])
    assert torch.equal(read(root, halves)[0], images)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [stored.name]  # no temporary file stays


def test_missing_halves_are_refused_with_a_remedy(mini):
    root, halves = mini
    shutil.rmtree(root / "images_evaluation")
    with pytest.raises(DataError, match=r"No images_evaluation\.zip and no folder images_evaluation.*download=True"):
        read(root, halves)


def test_missing_and_changed_drawings_are_refused(mini):
    root, halves = mini
    folder = root / "images_background" / "Latin" / "character02"
    moved = next(folder.iterdir()).rename(root / "moved.png")
    with pytest.raises(DataError, match=r"Expected 20 drawings of images_background/Latin/character02.*found 19"):
        read(root, halves)
    shutil.rmtree(folder)
    with pytest.raises(DataError, match=r"Expected 5 characters in images_background.*found 4"):
        read(root, halves)
    shutil.copytree(root / "images_background" / "Latin" / "character01", folder)
    with pytest.raises(DataError, match=r"other drawings than Omniglot.*images_background\.zip"):
        read(root, halves)
    moved.write_bytes(b"")
    shutil.copy(moved, folder / "0004_01.png")
    next(folder.glob("*_02.png")).unlink()
    with pytest.raises(DataError, match=r"Cannot read the drawing 'images_background/Latin/character02/0004_01.png'"):
        read(root, halves)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 0.999))
def test_a_cut_zip_is_refused_by_name(mini, cut):
    root, halves = mini
    whole = root / "whole"
    if not whole.exists():
        pack(root, "images_background").rename(whole)
    content = whole.read_bytes()
    (root / "images_background.zip").write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(DataError, match=r"images_background\.zip.*damaged"):
        read(root, halves)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(mini):
    root, halves = mini
    pack(root, "images_background")
    with zipfile.ZipFile(root / "images_background.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images_background/Latin/character01/bomb.png", bytes(2 << 20))
    with pytest.raises(DataError, match=r"bomb\.png.*claims 2097152 bytes"):
        read(root, halves)


# --- the two protocols ---


def test_characters_are_split_by_the_published_table():
    table = json.loads((files("innerloop.sources") / "omniglot_splits.json").read_text())["alphabets"]
    size = {alphabet: max(last for ranges in parts.values() for _, last in ranges) for alphabet, parts in table.items()}
    names = [f"half/{alphabet}/character{i:02d}" for alphabet in size for i in range(1, size[alphabet] + 1)]
    parts = split_by_character(names, table)
    assert len(names) == 1623
    assert [len(parts[split]) for split in SPLITS] == [1028, 172, 423]
    assert sorted(chain(*parts.values())) == list(range(1623))


def test_rotations_are_classes_of_their_own(mini):
    images, names = read(*mini)
    table = {
        "Latin": {"train": [(1, 2)], "test": [(3, 3)]},
        "Braille": {"validation": [(1, 2)]},
        "ULOG": {"test": [(1, 2)]},
    }
    parts = split_by_character(names, table)
    assert [[names[i].split("/", 1)[1] for i in parts[split]] for split in SPLITS] == [
        ["Latin/character01", "Latin/character02"],
        ["Braille/character01", "Braille/character02"],
        ["Latin/character03", "ULOG/character01", "ULOG/character02"],
    ]
    plain = character_classes(images, names, parts["train"], rotations=False)
    turned = character_classes(images, names, parts["train"], rotations=True)
    assert plain.rows.shape == (40, 1, 28, 28)
    assert turned.rows.shape == (160, 1, 28, 28)
    assert turned.names[4:8] == [f"Latin/character02/rot{angle:03d}" for angle in (0, 90, 180, 270)]
    classes = turned.rows.reshape(2, 4, 20, 28, 28)
    assert torch.equal(classes[:, 0].flatten(0, 1), plain.rows[:, 0])
    for turn in range(4):
        upright = torch.from_numpy(np.rot90(classes[1, turn, 3].numpy(), -turn).copy())
        assert torch.equal(upright, classes[1, 0, 3])


def test_alphabets_are_split_and_never_mixed(mini):
    images, names = read(*mini)
    parts = split_by_alphabet(names, ["Braille"])
    assert [{names[i].split("/")[1] for i in parts[split]} for split in SPLITS] == [
        {"Latin"},
        {"Braille"},
        {"ULOG"},
    ]
    data = character_classes(images, names, range(7), rotations=False)
    tasks = ClassTasks(data, ways=2, shots=1, queries=1, within_groups=True)
    for index in range(30):
        assert len({name.split("/")[0] for name in tasks.classes(index)}) == 1


def test_turned_alphabets_are_alphabets_of_their_own(mini):
    images, names = read(*mini)
    data = augmented_classes(images, names, range(7))
    assert len(data.names) == 28
    tasks = ClassTasks(data, ways=2, shots=1, queries=3, within_groups=True)
    kinds = set()
    for index in range(60):
        places = {(name.split("/")[0], name[-6:]) for name in tasks.classes(index)}
        assert len(places) == 1  # one alphabet, one turn
        kinds |= places
    assert len(kinds) == 12
    assert tasks[0].support.x.shape == (2, 1, 28, 28)


def test_bent_drawings_are_near_their_own_and_new_each_time(mini):
    images, names = read(*mini)
    data = augmented_classes(images, names, [0])
    rows = torch.zeros(50, dtype=torch.long)
    bent = data.draw(rows, torch.arange(50))
    assert len(bent.flatten(1).unique(dim=0)) == 50
    assert torch.equal(bent[7], data.draw(rows[:1], torch.tensor([7]))[0])
    assert bent.min() >= 0
    assert bent.max() <= 1


def test_arguments_are_checked_before_any_file_is_read():
    with pytest.raises(ConfigurationError, match='"A" and "B"; got \'C\''):
        Omniglot("nowhere", protocol="C")
    with pytest.raises(ConfigurationError, match="Protocol B has no rotations"):
        Omniglot("nowhere", protocol="B", rotations=True)
    with pytest.raises(ConfigurationError, match="Only protocol B has `augment`"):
        Omniglot("nowhere", protocol="A", augment=True)


def test_without_drawings_the_error_says_where_they_were_sought(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INNERLOOP_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=str(tmp_path / "data" / "omniglot")):
        Omniglot()
    monkeypatch.delenv("INNERLOOP_DATA")
    with pytest.raises(DataError, match=str(tmp_path / "cache" / "omniglot")):
        Omniglot()


# --- download, from a server of our own ---


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_missing_halves_are_fetched_and_checked(mini, server, tmp_path):
    root, halves = mini
    folder, url = server
    for half in ALPHABETS:
        pack(root, half).rename(folder / f"{half}.zip")
    halves = [
        dataclasses.replace(half, md5=hashlib.md5((folder / f"{half.name}.zip").read_bytes()).hexdigest())
        for half in halves
    ]
    target = tmp_path / "fresh"
    fetch(target, halves, url)
    assert sorted(path.name for path in target.iterdir()) == [
        "images_background.zip",
        "images_evaluation.zip",
    ]
    assert read(target, halves)[0].shape == (7, 20, 28, 28)
    (folder / "images_background.zip").unlink()
    fetch(target, halves, url)  # what is there is not asked for again


def test_another_file_than_published_is_refused_and_removed(server, tmp_path):
    folder, url = server
    (folder / "a.zip").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"md5 checksum .*; expected 0000.*by hand"):
        download(f"{url}a.zip", tmp_path / "there" / "a.zip", md5="0000")
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("url", ["{server}missing.zip", "http://127.0.0.1:1/a.zip", "no address"])
def test_a_failed_download_is_one_clear_error(server, tmp_path, url):
    path = tmp_path / "there" / "a.zip"
    with pytest.raises(DataError, match=r"Could not download .*by hand and put it at") as caught:
        download(url.format(server=server[1]), path, md5="")
    assert str(path) in str(caught.value)
    assert list(path.parent.iterdir()) == []


# --- the real drawings ---


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = needs.data("omniglot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INNERLOOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield folder


@pytest.mark.data
def test_the_drawings_are_those_of_the_reference_array(real):
    images, names = read(real)
    with np.load(real / "omniglot28.npz") as reference:
        assert names == reference["names"].tolist()
        assert np.array_equal(images.numpy(), reference["images"])


@pytest.mark.data
def test_one_drawing_is_there_twice(real):
    found = []
    for half in HALVES:
        seen = {}
        for character, drawings in _omniglot_files._characters(real, half).items():
            for path, content in drawings:
                key = hashlib.sha256(content).hexdigest()
                if key in seen:
                    found.append((character, Path(seen[key]).name, Path(path).name))
                seen[key] = path
    assert found == [("Braille/character01", "0192_03.png", "0192_19.png")]


@pytest.mark.data
def test_protocol_a_has_the_published_counts(real):
    for rotations, times in ((None, 4), (False, 1)):
        omniglot = Omniglot(real, rotations=rotations)
        splits = (omniglot.train, omniglot.validation, omniglot.test)
        assert [len(split.data.names) for split in splits] == [1028 * times, 172 * times, 423 * times]
        assert not {name[:-7] if times == 4 else name for name in splits[0].data.names} & {
            name[:-7] if times == 4 else name for name in splits[2].data.names
        }
    assert omniglot.train[0:2].query.x.shape == (2, 75, 1, 28, 28)
    assert omniglot.pictures.ink == "bright"


@pytest.mark.data
def test_protocol_b_has_the_published_counts(real):
    omniglot = Omniglot(real, protocol="B")
    splits = (omniglot.train, omniglot.validation, omniglot.test)
    alphabets = [{name.split("/")[0] for name in split.data.names} for split in splits]
    assert [len(part) for part in alphabets] == [25, 5, 20]
    assert alphabets[1] == set(HELD_OUT)
    assert [len(split.data.names) for split in splits] == [828, 136, 659]
    assert omniglot.test.describe() | {"ways": 20, "queries": 1, "within_groups": True} == omniglot.test.describe()
    for split in splits:
        for index in range(20):
            assert len({name.split("/")[0] for name in split.classes(index)}) == 1


@pytest.mark.data
def test_raw_pixels_reach_the_measured_floor(real):
    # cosine to the mean of raw pixels, no rotations: 47.9 +- 1.0 in an independent measurement
    test = Omniglot(real, rotations=False).test
    tasks = test[0:600]
    support, query = (torch.nn.functional.normalize(part.x.flatten(2), dim=2) for part in (tasks.support, tasks.query))
    nearest = (query @ support.transpose(1, 2)).argmax(2)
    predicted = tasks.support.y.gather(1, nearest)
    assert abs((predicted == tasks.query.y).float().mean() - 0.479) < 0.02


@pytest.mark.data
def test_protocol_b_is_within_alphabets_of_twenty_and_more(real):
    test = Omniglot(real, protocol="B").test
    sizes = {}
    for name in test.data.names:
        sizes[name.split("/")[0]] = sizes.get(name.split("/")[0], 0) + 1
    assert min(sizes.values()) >= 20  # so that each of the 20 evaluation alphabets comes up
    tasks = [test.classes(index) for index in range(300)]
    assert {task[0].split("/")[0] for task in tasks} == set(sizes)
    assert all(len(set(task)) == 20 for task in tasks)
    one = test[0]
    assert (one.support.y.sort().values == torch.arange(20)).all()
    assert (one.query.y.sort().values == torch.arange(20)).all()


@pytest.mark.data
def test_only_training_drawings_are_augmented(real):
    plain, more = Omniglot(real, protocol="B"), Omniglot(real, protocol="B", augment=True)
    assert len(more.train.data.names) == 4 * len(plain.train.data.names)
    for split in ("validation", "test"):
        assert torch.equal(getattr(more, split)[0].query.x, getattr(plain, split)[0].query.x)
        assert getattr(more, split).describe() == getattr(plain, split).describe()
    assert more.train.describe()["name"] == "omniglot B, augmented"
    # bent a little: nearer to the drawing that it was made from than another drawing of the character is
    data = more.train.data
    rows = torch.arange(0, 4000, 80)
    original = data.rows[rows].float() / 255
    bent = data.draw(rows, torch.arange(len(rows)))
    other = data.rows[rows + 1].float() / 255
    near, far = ((each - original).square().flatten(1).sum(1).median() for each in (bent, other))
    assert near < far


@pytest.mark.data
@pytest.mark.parametrize("protocol", ["A", "B"])
def test_drawings_of_all_splits_are_centred(real, protocol):
    plain, moved = (Omniglot(real, protocol, centre=centre) for centre in (False, True))
    assert (plain.pictures.centre, moved.pictures.centre) == (False, True)
    places = torch.arange(28.0)
    for split in ("train", "validation", "test"):
        shown, centre = (getattr(source, split) for source in (plain, moved))
        assert centre.describe()["name"] == shown.describe()["name"] + ", centred"
        x = centre[0].support.x
        assert x.shape == shown[0].support.x.shape
        for axis in (-2, -1):
            ink = x.sum(axis)
            middle = (ink * places).sum(-1) / ink.sum(-1)
            assert ((middle - 13.5).abs() < 0.6).all()  # half a pixel, and what ink has left the picture
