"""The distortion is a function of picture and key alone, and keeps the background black."""

import pickle

import pytest
import torch
import torch.nn.functional as F

from innerloop.counter import uniform
from innerloop.sources._warp import Warp, _thickened

PLAIN = Warp(rotation=0, shear=0, scale=0, elastic=0, stroke=0, zoom=1)


@pytest.fixture
def pictures():
    soft = F.avg_pool2d(uniform(torch.tensor(0), torch.arange(64 * 32 * 32)).reshape(64, 1, 32, 32), 5, 1, 2)
    frame = torch.zeros(64, 1, 32, 32)
    frame[:, :, 6:26, 6:26] = ((soft - 0.45) * 8).clamp(0, 1)[:, :, 6:26, 6:26]
    return (frame * 255).round() / 255


def test_pixels_do_not_depend_on_the_batch(pictures):
    keys, warp = torch.arange(64), Warp()
    together = warp(pictures, keys)
    for size in (1, 2, 3, 17):
        apart = torch.cat([warp(x, k) for x, k in zip(pictures.split(size), keys.split(size), strict=True)])
        assert torch.equal(apart, together)


def test_another_key_is_another_picture(pictures):
    one = pictures[:1].expand(50, -1, -1, -1)
    warped = Warp()(one, torch.arange(50)).flatten(1)
    assert len(warped.unique(dim=0)) == 50


def test_values_stay_in_range_and_black_stays_black(pictures):
    warped = Warp()(pictures, torch.arange(64))
    assert warped.shape == (64, 1, 28, 28)
    assert warped.min() == 0
    assert warped.max() <= 1
    assert not Warp()(torch.zeros(8, 1, 32, 32), torch.arange(8)).any()


def test_without_distortion_the_picture_is_resampled(pictures):
    expected = F.interpolate(pictures, size=(28, 28), mode="bilinear", align_corners=False)
    torch.testing.assert_close(PLAIN(pictures, torch.arange(64)), expected, atol=2e-4, rtol=0)


def test_scale_shrinks_and_grows():
    square = torch.zeros(200, 1, 32, 32)
    square[:, :, 8:24, 8:24] = 1
    warp = Warp(rotation=0, shear=0, scale=0.25, elastic=0, stroke=0, zoom=1)
    widths = warp(square, torch.arange(200))[:, 0, 14].sum(1)
    assert 14 * 0.75 - 0.5 < widths.min() < 11.5
    assert 16.5 < widths.max() < 14 * 1.25 + 0.5


def test_rotation_keeps_the_area():
    square = torch.zeros(100, 1, 32, 32)
    square[:, :, 8:24, 8:24] = 1
    warp = Warp(rotation=45, shear=0, scale=0, elastic=0, stroke=0, zoom=1)
    area = warp(square, torch.arange(100)).sum((1, 2, 3))
    torch.testing.assert_close(area, torch.full((100,), 196.0), rtol=0.02, atol=0)


def test_bending_has_the_same_spread_everywhere():
    draws = 2 * uniform(torch.arange(4000)[:, None], torch.arange(37)) - 1
    bent = Warp(elastic=0.1)._places(draws) - Warp(elastic=0)._places(draws)
    spread = bent.std(0)
    assert spread.min() > 0.094
    assert spread.max() < 0.106


def test_thickening_widens_by_at_most_a_pixel(pictures):
    warped = PLAIN(pictures, torch.arange(64))
    torch.testing.assert_close(_thickened(warped, torch.ones(64)), F.max_pool2d(warped, 3, 1, 1), atol=0, rtol=0)
    assert torch.equal(_thickened(warped, torch.zeros(64)), warped)


def test_full_pictures_are_not_thickened():
    full = torch.zeros(20, 1, 32, 32)
    full[:, :, 4:28, 4:28] = 1
    keys = torch.arange(20)
    assert torch.equal(Warp(stroke=1)(full, keys), Warp(stroke=0)(full, keys))


def test_is_a_plain_value():
    assert pickle.loads(pickle.dumps(Warp(elastic=0.1))) == Warp(elastic=0.1)
