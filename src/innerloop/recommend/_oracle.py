"""Whoever knows everything about the items and how users are made, and only learns who this user is."""

from __future__ import annotations

from typing import Self

import numpy as np

from innerloop.recommend._cases import Cases
from innerloop.recommend._cuts import places
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._simulator import MEAN, Simulator


class Oracle(Recommender):
    """The posterior mean of what a simulated user will rate next, given their support events.

    A user's bias and drifting taste are Gaussian, so ratings are too, with covariance

        k(n, m) = bias² + taste² / factors (1 + drift min(t_n, t_m)) q_n·q_m,    t = events since arrival

    and the mean of a later rating of item `j` is  μ + c_j + k_j' (K + noise² I)^-1 (r - μ - c).  It does not depend on
    how much later, since a taste drifts in no direction. No estimate from the ratings has a smaller squared error.

    Args:
        simulator: the world.

    Source: Rasmussen and Williams 2006, "Gaussian processes for machine learning", equation 2.25.

    >>> world = Simulator(users=2)
    >>> events = world.events()
    >>> known = events.where(np.arange(len(events)) < 0)  # nothing: what is expected of anybody
    >>> bool(np.allclose(Oracle(world).scores(known, np.array([0])), 3.5 + world.truth.quality))
    True
    """

    name = "oracle"
    family = "oracle"

    def __init__(self, simulator: Simulator):
        self.simulator = simulator

    def fit(self, train: Events, validation: Cases) -> Self:
        """Knows everything already."""
        return self

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)` posterior means; support events must be in the order of the user's time."""
        world, truth = self.simulator, self.simulator.truth
        once, place = np.unique(users, return_inverse=True)
        some = support.of_users(once)
        shape = len(once), max(1, int(some.counts.max(initial=0)))
        at = once.searchsorted(some.user), places(some)
        there, since, away = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape)
        factors = np.zeros((*shape, world.factors))
        there[at] = True
        since[at] = some.time - world.arrivals(once)[at[0]]
        away[at] = some.value - MEAN - truth.quality[some.item]
        factors[at] = truth.factors[some.item]
        taste = world.taste**2 / world.factors
        grown = 1 + world.drift * np.minimum(since[:, :, None], since[:, None, :])
        covariance = world.bias**2 + taste * grown * (factors @ factors.mT)
        covariance = np.where(there[:, :, None] & there[:, None, :], covariance, 0)
        weights = np.linalg.solve(covariance + world.noise**2 * np.eye(shape[1]), away[..., None])[..., 0]
        bias = world.bias**2 * weights.sum(1)
        tastes = taste * ((weights * (1 + world.drift * since))[:, None] @ factors)[:, 0]
        table: Real = MEAN + bias[:, None] + truth.quality + tastes @ truth.factors.T
        return table[place]
