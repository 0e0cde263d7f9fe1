"""Ratings of invented users: everything is known about them, so it is known how well anybody could do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from innerloop.counter import fold, normal, uniform
from innerloop.demands import at_least, between, fraction, not_negative, positive
from innerloop.errors import ConfigurationError
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._events import Events, Real, Whole, joined
from innerloop.recommend._features import Column, Features

MEAN = 3.5
"""The mean rating, as in MovieLens small."""
SPAN = 1_000.0
"""Users arrive evenly over this time; a user's events are one unit of time apart. A choice."""
GENRES = 8
"""Categories of the items' genre. A choice."""
AT_ONCE = 1_000
"""Users drawn at a time."""
_ITEM, _USER, _GENRE = range(3)

NOISES = (0.5, 0.75, 1.0)
"""Noise levels of the setting in which methods are compared. With them and the other defaults of `Simulator`, user and
item bias is at least 25 % above the oracle's error with 20 support events; they were chosen by looking at these two
alone."""


class ItemTruth(NamedTuple):
    """What is true of items.

    Attributes:
        quality: `(items,)` c, what everybody adds to or takes from their ratings.
        factors: `(items, factors)` q.
        log_popularity: `(items,)` logarithm of how often the item is chosen, up to a constant.
        release: `(items,)` when it appeared.
        genre: `(items,)` 0..GENRES-1.
        hints: `(items, factors)` numbers that say something about the factors.
    """

    quality: Real
    factors: Real
    log_popularity: Real
    release: Real
    genre: Whole
    hints: Real


@dataclass(frozen=True)
class Simulator:
    """Users with tastes, items with factors, and who rates what when.

        r_ui = μ + b_u + c_i + p_u(n)·q_i + noise ε,     b ~ N(0, bias²), c ~ N(0, bias²), q ~ N(0, I)
        p_u(n) = p_u(n - 1) + drift step,                p_u(0) ~ N(0, taste² / factors I)

    Which items a user rates is not at random: popularity falls as a power of the rank and good items are more popular,
    so an item's mean rating and its number of ratings go together; with `selection`, users also rate what they like.
    Every number is a hash of the seed and of who it belongs to: user 7 rates the same however many users there are.

    Args:
        users: how many.
        items: how many.
        factors: numbers in a taste.
        taste: standard deviation of `p·q` over users and items: what is personal in a rating.
        bias: standard deviation of users' and of items' biases.
        noise: standard deviation of a rating around its expectation.
        drift: variance that one event adds to a taste, as a share of the taste's own.
        least: fewest events of a user.
        most: most events of a user; each user has a number in between.
        skew: popularity falls as `1 / rank**skew`.
        fame: correlation of popularity and quality.
        selection: how strongly users choose by their own taste; 0: only by popularity. The oracle knows ratings, not
            choices, so it is the best possible one for 0 alone.
        cold: share of the items that appear in the second half of the time.
        explained: share of the factors' variance that items' features explain.
        stars: round ratings to half stars from 0.5 to 5, as people do; the oracle is exact without that alone.
        seed: another seed is another world.

    Raises:
        ConfigurationError: for a number that makes no sense, or fewer items than events of a user.

    >>> few, many = Simulator(users=3), Simulator(users=9)
    >>> bool((few.events().history(2).value == many.events().history(2).value).all())
    True
    """

    users: int = 2_000
    items: int = 300
    factors: int = 4
    taste: float = 1.0
    bias: float = 0.5
    noise: float = 0.75
    drift: float = 0.002
    least: int = 40
    most: int = 80
    skew: float = 0.8
    fame: float = 0.5
    selection: float = 0.0
    cold: float = 0.1
    explained: float = 0.5
    stars: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("users", "items", "factors", "least"):
            at_least(name, getattr(self, name), 1)
        for name in ("taste", "bias", "noise"):
            positive(name, getattr(self, name), 0.5)
        for name in ("drift", "skew", "selection"):
            not_negative(name, getattr(self, name))
        for name in ("fame", "cold"):
            fraction(name, getattr(self, name), 0.1)
        between("explained", self.explained, 0.5)
        old = self.items - round(self.cold * self.items)
        if not self.least <= self.most <= old:
            raise ConfigurationError(
                f"Users rate {self.least} to {self.most} items; {old} of {self.items} are there from the beginning. "
                "Give least= and most= that rise and fit."
            )

    @cached_property
    def truth(self) -> ItemTruth:
        """What is true of the items."""
        keys = fold(self.seed, _ITEM, torch.arange(self.items))[:, None]
        some = torch.arange(self.factors)
        genre = (uniform(keys[:, 0], 0) * GENRES).long()
        centres = _real(normal(fold(self.seed, _GENRE, torch.arange(GENRES))[:, None], some))
        hints = _real(normal(keys, 1, some))
        told = (centres[genre.numpy()] + hints) / np.sqrt(2)
        factors = np.sqrt(self.explained) * told + np.sqrt(1 - self.explained) * _real(normal(keys, 2, some))
        draws = _real(normal(keys, 3, torch.arange(2)))
        wanted = self.fame * draws[:, 0] + np.sqrt(1 - self.fame**2) * draws[:, 1]
        rank = np.argsort(np.argsort(-wanted, kind="stable"), kind="stable") + 1
        late = np.argsort(_real(uniform(keys[:, 0], 4)), kind="stable") < round(self.cold * self.items)
        release = np.where(late, SPAN * (0.5 + 0.5 * _real(uniform(keys[:, 0], 5))), 0.0)
        return ItemTruth(
            self.bias * draws[:, 0], factors, -self.skew * np.log(rank), release, genre.numpy(), hints
        )  # fmt: skip

    def arrivals(self, users: Whole) -> Real:
        """`(len(users),)` times of users' first events."""
        return SPAN * _real(uniform(self._keys(users), 0))

    def tastes(self, users: Whole) -> Real:
        """`(len(users), 1 + factors)`: b and p(0) of users."""
        found = _real(normal(self._keys(users)[:, None], 1, torch.arange(1 + self.factors)))
        scaled: Real = found * np.r_[self.bias, np.full(self.factors, self.taste / np.sqrt(self.factors))]
        return scaled

    def events_of(self, users: Whole) -> Events:
        """All events of some users, whose numbers may lie beyond `users`; memory is that of users by items."""
        keys = self._keys(users)
        count = self.least + (_real(uniform(keys, 2)) * (self.most + 1 - self.least)).astype(np.int64)
        own, arrivals = self.tastes(users), self.arrivals(users)
        choice = uniform(keys[:, None], 3, torch.arange(self.items)).double().clamp(min=2.0**-25)
        # the largest of log-weights plus Gumbel noise, in their order, are draws without replacement
        attraction = self.truth.log_popularity + self.selection * own[:, 1:] @ self.truth.factors.T
        attraction = attraction - np.log(-np.log(choice.numpy()))
        attraction[self.truth.release > arrivals[:, None]] = -np.inf
        chosen = np.argsort(-attraction, axis=1, kind="stable")[:, : self.most]
        place = np.arange(self.most)
        steps = _real(normal(keys[:, None, None], 4, torch.arange(self.most)[:, None], torch.arange(self.factors)))
        steps[:, 0] = 0  # the taste has not moved yet at the first event
        scale = np.sqrt(self.drift / self.factors) * self.taste
        tastes = own[:, None, 1:] + scale * np.cumsum(steps, axis=1)
        value = MEAN + own[:, :1] + self.truth.quality[chosen] + (tastes * self.truth.factors[chosen]).sum(-1)
        value = value + self.noise * _real(normal(keys[:, None], 5, torch.arange(self.most)))
        if self.stars:
            value = np.clip(np.round(2 * value) / 2, 0.5, 5.0)
        there = place < count[:, None]
        who = np.broadcast_to(users[:, None], there.shape)
        when = arrivals[:, None] + place
        most = max(self.users, int(users.max(initial=-1)) + 1)
        return Events.of(who[there], chosen[there], value[there], when[there], users=most, items=self.items)

    def events(self) -> Events:
        """All events of all users."""
        everyone = np.arange(self.users)
        return joined(*(self.events_of(everyone[at : at + AT_ONCE]) for at in range(0, self.users, AT_ONCE)))

    def dataset(self) -> Dataset:
        """The events, with the items' genre and hints; nothing is known of users but what they do."""
        columns = {"genre": Column.categories(self.truth.genre + 1, GENRES + 1)}
        columns |= {f"hint {n + 1}": Column.numeric(hint) for n, hint in enumerate(self.truth.hints.T)}
        return Dataset(self.events(), Features(columns, self.items), Features({}, self.users))

    def _keys(self, users: Whole) -> Tensor:
        return fold(self.seed, _USER, torch.from_numpy(np.asarray(users, np.int64)))


def _real(values: Tensor) -> Real:
    return values.double().numpy()
