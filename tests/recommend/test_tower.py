"""The tower begins as a bias model, knows new items by their features, and users by theirs."""

import numpy as np
import torch

from helpers.ratings import ratings
from innerloop.recommend import Column, Features, Tower


def test_it_begins_at_the_biases_and_forgets_items_without_events():
    events, features = ratings(cold=5)
    tower = Tower(events.items, 3, features)
    biases = torch.randn(events.items)
    factors = torch.randn(events.items, 3)
    tower.start_from(biases, torch.from_numpy(np.bincount(events.item, minlength=events.items)), factors)
    torch.nn.init.zeros_(tower.fields.table.weight)
    table = tower.table()
    torch.testing.assert_close(table[:25], torch.cat([factors, biases[:, None]], 1)[:25])
    assert not table[25:].any()
    assert tower.known.tolist() == [True] * 25 + [False] * 5


def test_an_item_that_counts_as_unknown_is_its_features():
    events, features = ratings()
    tower = Tower(events.items, 3, features)
    item = torch.arange(events.items)
    torch.testing.assert_close(tower.vectors(item, torch.zeros_like(item)), tower.fields(tower.codes, tower.numbers))


def test_features_of_users_move_the_base_by_their_taste():
    users = Features({"age": Column.categories(np.array([1, 2]), 3)}, 2)
    tower = Tower(4, 2, None, users)
    torch.nn.init.normal_(tower.user_fields.table.weight)
    x = {"item": torch.tensor([[0], [3]]), "id": torch.tensor([[1], [4]]), "codes": torch.tensor([[2], [2]]),
         "numbers": torch.zeros(2, 0)}  # fmt: skip
    z, table, taste = tower(x), tower.vectors(x["item"], x["id"]), tower.user_fields.table.weight[2]
    for row in range(2):
        q = table[row, 0, :2]
        torch.testing.assert_close(z[row, 0, :2], q)
        torch.testing.assert_close(z[row, 0, 2], table[row, 0, 2] + taste[2] + q @ taste[:2])


def test_a_shape_gives_the_same_tower_again():
    _, features = ratings()
    tower = Tower(30, 3, features, Features({"n": Column.numeric(np.zeros(2))}, 2))
    other = Tower.of(tower.shape)
    assert other.shape == tower.shape
    other.load_state_dict(tower.state_dict())
    torch.testing.assert_close(other.table(), tower.table())
