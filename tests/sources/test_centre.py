"""Drawings moved to the middle, against a loop and against what moving may not change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from innerloop.sources._centre import centred


def by_loop(picture):
    height, width = picture.shape
    rows, columns = np.mgrid[:height, :width]
    ink = picture.astype(np.float64)
    down = round((height - 1) / 2 - (ink * rows).sum() / ink.sum())
    right = round((width - 1) / 2 - (ink * columns).sum() / ink.sum())
    found = np.zeros_like(picture)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                found[row + down, column + right] = picture[row, column]
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_loop_gives_the_same(dtype):
    draw = np.random.default_rng(0)
    # ink in one corner, so that all of it has to move far
    pictures = np.zeros((3, 2, 9, 12), dtype)
    pictures[..., :4, 7:] = draw.integers(1, 255, (3, 2, 4, 5))
    found = centred(torch.from_numpy(pictures)).numpy()
    assert found.dtype == dtype
    for index in np.ndindex(3, 2):
        np.testing.assert_array_equal(found[index], by_loop(pictures[index]))


@given(st.integers(0, 12), st.integers(0, 12))
def test_where_it_was_drawn_does_not_matter(row, column):
    drawing = torch.arange(1, 13, dtype=torch.uint8).reshape(3, 4)
    pictures = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    pictures[0, 0, row : row + 3, column : column + 4] = drawing
    pictures[1, 0, 5:8, 5:9] = drawing
    one, other = centred(pictures)
    assert torch.equal(one, other)
    assert one.sum() == drawing.sum()


def test_no_ink_stays_no_ink_and_centred_stays_centred():
    assert not centred(torch.zeros(2, 5, 5)).any()
    once = centred(torch.eye(8)[None] * torch.arange(8))
    assert torch.equal(centred(once), once)
