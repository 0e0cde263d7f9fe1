"""Pairs are put in order; a new user's factors are the minimum of their own part."""

import numpy as np
import pytest
import torch

from helpers.recommending import no_cases, some_events
from innerloop.errors import DataError
from innerloop.recommend import Events
from innerloop.recommend.rivals import BPR
from innerloop.recommend.rivals import _bpr as module

EVENTS = some_events(items=20, seed=12, explicit=False)
EVENTS = EVENTS.where(EVENTS.item != 19)  # nobody has everything
NONE = no_cases(EVENTS)


def test_a_step_follows_the_gradient_that_autograd_gives():
    model = BPR(3, penalty=0.2, rate=1e-3, epochs=1).fit(EVENTS, NONE)
    rng = np.random.default_rng(0)
    users = rng.normal(size=(30, 3))
    user, item, other = np.array([4, 4, 7]), np.array([1, 2, 1]), np.array([5, 1, 6])
    p, q, c = (torch.tensor(part, requires_grad=True) for part in (users, model.items, model.biases))
    x = [c[i] + (p[user] * q[i]).sum(1) for i in (item, other)]
    squares = sum(part.square().sum() for part in (p[user], q[item], q[other]))
    (torch.nn.functional.softplus(-(x[0] - x[1])).sum() + 0.2 * squares).backward()
    expected = [(part.detach() - 1e-3 * part.grad).numpy().copy() for part in (p, q, c)]
    model._step(users, user, item, other)
    for found, wanted in zip((users, model.items, model.biases), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_new_users_factors_are_where_the_gradient_vanishes():
    model = BPR(3, penalty=0.05, epochs=3).fit(EVENTS, NONE)
    own = EVENTS.history(2).item
    others = np.setdiff1d(model.negatives, own)
    p = torch.tensor(model.user_factors(EVENTS, 2), requires_grad=True)
    x = torch.tensor(model.biases) + torch.tensor(model.items) @ p
    pairs = torch.nn.functional.softplus(-(x[own][:, None] - x[others]))
    (pairs.mean(1).sum() + 0.05 * len(own) * p.square().sum()).backward()
    assert p.grad.abs().max() < 1e-7


def test_negatives_are_never_the_users_own():
    taken = np.random.default_rng(0).random((5, 8)) < 0.6
    taken[:, 3] = False
    user = np.repeat(np.arange(5), 200)
    found = module._not_taken(taken, user, np.random.default_rng(1))
    assert not taken[user, found].any()
    for one in range(5):
        counts = np.bincount(found[user == one], minlength=8)
        assert (counts[~taken[one]] > 0).all()


def test_tastes_are_found_where_there_are_some():
    """Two kinds of users and two kinds of items: a few events tell which kind a new user is."""
    rng = np.random.default_rng(0)
    rows = [(u, 20 * (u % 2) + i) for u in range(80) for i in rng.permutation(20)[:8]]
    user, item = np.array(rows).T
    events = Events.of(user, item, users=80, items=40)
    model = BPR(4).fit(events.of_users(np.arange(60)), NONE)
    found = model.scores(events, np.arange(60, 80))
    own = np.arange(40) // 20 == (np.arange(60, 80) % 2)[:, None]
    assert found[own].min() > found[~own].max()


def test_who_has_everything_is_an_error():
    full = Events.of([0, 0], [0, 1], users=1, items=2)
    with pytest.raises(DataError, match="User 0 has an event with every item"):
        BPR().fit(full, NONE)
