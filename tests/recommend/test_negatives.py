"""Negatives are never items that the user has met, and depend on their keys alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.errors import DataError
from innerloop.recommend._negatives import Negatives


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(2, 12), st.floats(0.0, 1.0))
def test_none_is_the_users_own_even_where_nearly_all_are(seed, items, share):
    generator = torch.Generator().manual_seed(seed)
    met = torch.rand(3, items, generator=generator) < share
    met[:, int(seed % items)] = False  # one at least is left
    users, own = met.nonzero(as_tuple=True)
    negatives = Negatives(users, own, items)
    keys, whose = torch.arange(15).reshape(3, 5), torch.tensor([0, 1, 2])[:, None].expand(3, 5)
    found = negatives.draw(keys, whose, 7)
    assert not met[whose[..., None].expand_as(found), found].any()
    torch.testing.assert_close(negatives.draw(keys[1:], whose[1:], 7), found[1:])
    torch.testing.assert_close(negatives.met(torch.arange(3)[:, None], torch.arange(items)), met)


def test_a_user_who_has_met_everything_has_none():
    with pytest.raises(DataError, match="User 1 has an event with each of the 2 items"):
        Negatives(torch.tensor([1, 1]), torch.tensor([0, 1]), 2)


def test_they_are_about_uniform():
    negatives = Negatives(torch.tensor([0]), torch.tensor([0]), 5)
    counts = torch.bincount(negatives.draw(torch.arange(4_000), torch.zeros(4_000, dtype=torch.int64), 1).flatten())
    assert counts[0] == 0
    assert (counts[1:] - 1_000).abs().max() < 120  # four standard deviations
