"""Negatives are never items that are to be avoided, and depend on their keys and these alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.errors import DataError
from innerloop.recommend import Events
from innerloop.recommend._negatives import NOTHING, Own, draw


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(2, 12), st.floats(0.0, 1.0))
def test_none_is_avoided_even_where_nearly_all_are(seed, items, share):
    generator = torch.Generator().manual_seed(seed)
    met = torch.rand(3, items, generator=generator) < share
    met[:, int(seed % items)] = False  # one at least is left
    avoid = torch.where(met, torch.arange(items), NOTHING)
    keys = torch.arange(15).reshape(3, 5)
    found = draw(keys, avoid, items, 7)
    assert not met[torch.arange(3)[:, None, None].expand_as(found), found].any()
    torch.testing.assert_close(draw(keys[1:], avoid[1:].flip(1), items, 7), found[1:])


def test_what_is_avoided_twice_counts_once_and_everything_cannot_be():
    avoid = torch.tensor([[1, 1, NOTHING]])
    assert draw(torch.zeros(1, 1, dtype=torch.int64), avoid, 2, 3).tolist() == [[[0, 0, 0]]]
    with pytest.raises(DataError, match="Events with each of the 2 items"):
        draw(torch.zeros(1, 1, dtype=torch.int64), torch.tensor([[1, 0, NOTHING]]), 2, 3)


def test_a_user_who_has_met_everything_is_named():
    with pytest.raises(DataError, match="User 1 has an event with each of the 2 items"):
        Own(Events.of([1, 1], [0, 1], users=2, items=2))
    Own(Events.of([1, 1], [0, 0], users=2, items=2))  # twice the same is not everything


def test_nobody_has_items_of_their_own_without_events():
    nobody = Own(Events.of([], [], users=2, items=2))
    assert nobody.of(torch.tensor([0, 1])).shape == (2, 0)


def test_they_are_about_uniform():
    found = draw(torch.arange(4_000)[None], torch.tensor([[0]]), 5, 1)
    counts = torch.bincount(found.flatten())
    assert counts[0] == 0
    assert (counts[1:] - 1_000).abs().max() < 120  # four standard deviations
