import io
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._pictures import Pictures, class_folders


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
    return path


def noise(height=40, width=60, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm"])
def test_every_format_gives_bytes_of_one_shape(tmp_path, suffix, grey):
    x = Pictures(size=20, grey=grey).load(save(tmp_path / f"a.{suffix}", noise()))
    assert x.shape == (1 if grey else 3, 20, 20)
    assert x.dtype == torch.uint8


def test_the_centre_square_is_cut_without_stretching(tmp_path):
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 200
    assert (Pictures(size=10).load(save(tmp_path / "wide.png", pixels)) == 200).all()
    assert (Pictures(size=5).load(save(tmp_path / "tall.png", pixels.transpose(1, 0, 2))) == 200).all()


def test_small_pictures_grow_and_large_ones_are_averaged(tmp_path):
    assert Pictures(size=16).load(save(tmp_path / "one.png", noise(1, 1))).shape == (3, 16, 16)
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 254
    inner = Pictures(size=8).load(save(tmp_path / "stripes.png", stripes))[:, 1:-1, 1:-1]
    assert (inner.int() - 127).abs().max() <= 4


def test_a_photo_is_turned_upright(tmp_path):
    pixels = np.zeros((20, 20, 3), dtype=np.uint8)
    pixels[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    x = Pictures(size=20).load(save(tmp_path / "a.png", pixels, exif=exif))
    assert (x[:, :10] == 0).all()
    assert (x[:, 10:] == 255).all()


def test_what_is_transparent_is_white(tmp_path):
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 255
    x = Pictures(size=8, grey=True).load(save(tmp_path / "a.png", pixels))
    assert (x[0, :4] == 0).all()
    assert (x[0, 4:] == 255).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "b.png", transparency=0)
    assert (Pictures(size=8).load(tmp_path / "b.png") == 255).all()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)).save(tmp_path / "a.png")
    assert (Pictures(size=8, grey=True).load(tmp_path / "a.png") == 0x80).all()


def ink(paper, pen, shade=0):
    pixels = np.full((90, 90, 3), paper, dtype=np.float64)
    pixels += shade * np.linspace(-1, 1, 90)[:, None, None]
    pixels[20:70, 40:46] = pen
    return pixels.clip(0, 255)


@pytest.mark.parametrize("shade", [0, 40])
@pytest.mark.parametrize("grey", [True, False])
def test_bright_ink_comes_out_bright_whatever_the_paper(tmp_path, grey, shade):
    pictures = Pictures(size=28, grey=grey, ink="bright")
    for name, paper, pen in (("light", 200, 20), ("dark", 45, 230)):
        x = pictures.load(save(tmp_path / f"{name}.png", ink(paper, pen, shade))).float()
        assert x[:, 10:18, 13].mean() > x[:, :, 0].mean() + 60, name
    assert Pictures(28).load(tmp_path / "light.png")[0, 14, 0] > 150


def test_blank_paper_is_dark(tmp_path):
    pictures = Pictures(size=8, grey=True, ink="bright")
    assert (pictures.load(save(tmp_path / "white.png", np.full((9, 9), 255))) == 0).all()
    assert (pictures.load(save(tmp_path / "black.png", np.zeros((9, 9)))) == 0).all()


def test_settings_are_checked():
    with pytest.raises(ConfigurationError, match="at least 1; got 0"):
        Pictures(size=0)
    with pytest.raises(ConfigurationError, match="'as is', 'bright'; got 'dark'"):
        Pictures(ink="dark")
    with pytest.raises(ConfigurationError, match="Only bright ink can be centred; got ink='as is'"):
        Pictures(centre=True)


def test_ink_is_moved_to_the_middle_if_asked_for(tmp_path):
    paper = np.full((28, 28), 255, np.uint8)
    paper[2:6, 3:7] = 0
    path = tmp_path / "corner.png"
    Image.fromarray(paper).save(path)
    found = Pictures(28, grey=True, ink="bright", centre=True).load(path)[0]
    assert found.nonzero().min(0).values.tolist() == [12, 12]
    assert found.nonzero().max(0).values.tolist() == [15, 15]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp"])
def test_half_a_file_is_refused_by_name(tmp_path, suffix):
    path = save(tmp_path / f"half.{suffix}", noise())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"half\.{suffix}"):
        Pictures().load(path)


def encoded(suffix):
    buffer = io.BytesIO()
    Image.fromarray(noise(12, 12)).save(buffer, suffix)
    return buffer.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.sampled_from(["png", "jpeg", "gif", "webp", "tiff", "bmp"]).map(encoded),
    cut=st.floats(0, 1),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_file_gives_a_picture_or_an_error_that_names_it(tmp_path, content, cut, damage):
    spoilt = bytearray(content[: int(len(content) * cut)])
    for place, value in damage:
        if spoilt:
            spoilt[int(place * len(spoilt))] = value
    path = tmp_path / "spoilt.png"
    path.write_bytes(spoilt)
    message = ""
    try:
        assert Pictures(size=6).load(path).shape == (3, 6, 6)
    except DataError as error:
        message = str(error)
    assert not message or "spoilt.png" in message


def test_missing_files_texts_and_folders_are_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    for name in ("text.png", "folder.png", "missing.png"):
        with pytest.raises(DataError, match=name):
            Pictures().load(tmp_path / name)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (11_000, 60_000):  # Pillow warns about the first and raises at the second
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
        with pytest.raises(DataError, match=r"bomb\.png.*DecompressionBomb"):
            Pictures().load(tmp_path / "bomb.png")


def test_classes_are_the_folders_that_hold_pictures(tmp_path):
    for name in (
        "b/2.png",
        "b/1.PNG",
        "a/x/1.jpg",
        "a/y/1.png",
        "loose.png",
        "b/.hidden.png",
        ".thumbs/1.png",
    ):
        save(tmp_path / name, noise(4, 4), format="png")
    (tmp_path / "b" / "notes.txt").write_text("")
    (tmp_path / "README.md").write_text("")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = class_folders(tmp_path)
    assert list(found) == ["a/x", "a/y", "b"]
    assert [path.name for path in found["b"]] == ["1.PNG", "2.png"]


def test_folders_without_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"no folder.*nowhere"):
        class_folders(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no class folders"):
        class_folders(tmp_path)
    save(tmp_path / "1.png", noise(4, 4))
    with pytest.raises(DataError, match="no class folders; 1 pictures lie directly in it"):
        class_folders(tmp_path)


def test_an_empty_class_is_refused_by_name(tmp_path):
    save(tmp_path / "full" / "1.png", noise(4, 4))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty.*it holds nothing"):
        class_folders(tmp_path)
    (tmp_path / "empty" / "photo.heic").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty.*it holds 1 other files \(\.heic\)"):
        class_folders(tmp_path)
