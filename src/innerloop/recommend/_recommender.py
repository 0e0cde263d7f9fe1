"""What every recommender can do, whether it is a mean, a matrix or a meta-learned network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole


class Recommender(ABC):
    """Fits to training events once; then serves users that it has never seen, from their support events alone.

    Attributes:
        name: what tables call it.
        family: its group in tables: gradient, metric, memory, transfer, closed form, trivial, oracle.
        predicts_ratings: whether scores are ratings that can be compared with true ones; False: they only order items.
    """

    name: str
    family: str
    predicts_ratings: bool = True

    @abstractmethod
    def fit(self, train: Events, validation: Cases) -> Self:
        """Learns from the events of training users; whatever is chosen is chosen on validation cases."""

    @abstractmethod
    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)` predicted ratings or preferences for every item, from the users' support events.

        `users` are numbers in `support`; one without a support event gets what a new user gets.
        """

    def predict(self, cases: Cases) -> Real:
        """`(N,)` predictions for the query events of `cases`, from their support events."""
        users = cases.users
        table = self.scores(cases.support, users)
        row = users.searchsorted(cases.query.user)
        return table[row, cases.query.item]
