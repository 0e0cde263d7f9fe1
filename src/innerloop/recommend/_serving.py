"""A fitted recommender in use: read a user's events, recommend, say why, and remember the user in a kilobyte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError
from innerloop.evaluation._evaluate import evaluating
from innerloop.gradient._state import GradientState
from innerloop.recommend._events import Events
from innerloop.recommend._features import Features
from innerloop.recommend._learners import RidgeState
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._rows import Rows, bucket
from innerloop.recommend._user_state import EVENTS, UserState
from innerloop.task import Examples, Task


class Reason(NamedTuple):
    """How much an event of the user moved a score.

    Attributes:
        item: of the event.
        value: its rating; 1 for implicit events.
        effect: the score with all events, less the score with all but this one; in ratings, if ratings were learned.
    """

    item: int
    value: float
    effect: float


class Recommendation(NamedTuple):
    """An item for a user.

    Attributes:
        item: its number.
        score: the predicted rating, or the preference.
        reasons: the user's own events that moved the score most, largest effect first.
        known: whether the item had training events; otherwise its features alone speak for it.
    """

    item: int
    score: float
    reasons: tuple[Reason, ...]
    known: bool


class Service:
    """Serves a fitted `Personalised`: the factors of all items are computed once.

    Args:
        model: a fitted recommender.

    >>> from innerloop.recommend._cases import Cases
    >>> from innerloop.user_settings import Setting
    >>> events = Events.of([0, 0, 1, 1], [0, 1, 0, 2], [5.0, 1.0, 4.0, 2.0], users=2, items=3)
    >>> nobody = Events.of([], [], [], users=2, items=3)
    >>> service = Service(Personalised(Setting("cavia", factors=2, steps=2)).fit(events, Cases(nobody, nobody)))
    >>> user = service.read([0], [5.0])
    >>> [(found.item, [reason.item for reason in found.reasons]) for found in service.recommend(user, k=1)]
    [(2, [0])]
    """

    def __init__(self, model: Personalised):
        self.model = model
        with torch.no_grad():
            self.table = model.tower.table()

    def read(self, items: Sequence[int], values: Sequence[float] | None = None, features: Features | None = None
             ) -> UserState:  # fmt: skip
        """The state of a user with these events, in the order of time; of more than `EVENTS`, the latest.

        A later event with the same item takes the place of the earlier one.

        Args:
            items: numbers of the items.
            values: ratings; None: the events are implicit.
            features: one row of features of the user, where the model has features of users.

        Raises:
            DataError: for items that there are not, ratings that are no numbers, or columns of different length.
        """
        item = np.asarray(items, np.int64).reshape(-1)
        value = np.ones(len(item)) if values is None else np.asarray(values, np.float64).reshape(-1)
        if len(item) != len(value):
            raise DataError(f"Each event has an item and a rating; got {len(item)} items and {len(value)} ratings.")
        if values is None and len(item):
            self._demand_values()
        if len(item) and not 0 <= item.min() <= item.max() < self.model.tower.items:
            raise DataError(
                f"Items have numbers from 0 to {self.model.tower.items - 1}; got {item.min()} to {item.max()}."
            )
        if not np.isfinite(value).all():
            raise DataError(f"Event {int(np.argmin(np.isfinite(value)))} has no finite rating; leave it out.")
        last = len(item) - 1 - np.unique(item[::-1], return_index=True)[1]
        kept = np.sort(last)[-EVENTS:]
        item, value = item[kept], value[kept]
        state = UserState(item, value.astype(np.float32), np.zeros(0, np.float32))
        support = self._support(state, features)
        with evaluating(self.model.learner), torch.no_grad():
            vector = vector_of(self.model.learner.adapt(support))
        return UserState(item, value.astype(np.float32), vector)

    def extend(self, state: UserState, items: Sequence[int], values: Sequence[float] | None = None,
               features: Features | None = None) -> UserState:  # fmt: skip
        """The state after more events: that of reading all of them at once, to the bit.

        Up to `EVENTS` different items; of more, what was cut off before does not come back.

        Raises:
            DataError: as `read`.
        """
        if values is None and len(items):
            self._demand_values()
        more = [1.0] * len(items) if values is None else list(values)
        every = None if self.model.scale is None and values is None else [*state.values.tolist(), *more]
        return self.read([*state.items.tolist(), *items], every, features)

    def scores(self, state: UserState, features: Features | None = None) -> NDArray[np.float64]:
        """`(items,)` the predicted rating of every item, or the preference for it."""
        support = self._support(state, features)
        with evaluating(self.model.learner), torch.no_grad():
            learned = self._learned(state, support)
            return self._ratings(self.model.score(learned, self.table, support.x))

    def recommend(
        self, state: UserState, k: int = 10, *, reasons: int = 3, exclude_seen: bool = True,
        exclude: Sequence[int] = (), features: Features | None = None,
    ) -> list[Recommendation]:  # fmt: skip
        """The `k` items with the best scores, and the events that moved them most.

        An effect is exact: the user is learned again without the event, all such users side by side. In rankings the
        items that are drawn beside the other events stay those of the whole history.

        Args:
            state: what `read` gave.
            k: how many, at most.
            reasons: how many events are named for each.
            exclude_seen: leave out the items of the events that are kept.
            exclude: more items to leave out, such as those of older events.
            features: one row of features of the user.
        """
        at_least("k", k, 1)
        at_least("reasons", reasons, 0)
        scores = self.scores(state, features)
        open_to = scores.copy()
        if exclude_seen:
            open_to[state.items] = -np.inf
        open_to[np.asarray(exclude, np.int64)] = -np.inf
        order = np.argsort(-open_to, kind="stable")[:k]
        order = order[np.isfinite(open_to[order])]
        effects = self.effects(state, order, features) if reasons and len(state) else np.zeros((0, len(order)))
        found = []
        for place, item in enumerate(order.tolist()):
            largest = np.argsort(-np.abs(effects[:, place]), kind="stable")[:reasons]
            why = tuple(
                Reason(int(state.items[at]), float(state.values[at]), float(effects[at, place])) for at in largest
            )
            found.append(Recommendation(item, float(scores[item]), why, bool(self.model.tower.known[item])))
        return found

    def effects(self, state: UserState, items: NDArray[np.int64], features: Features | None = None
                ) -> NDArray[np.float64]:  # fmt: skip
        """`(events, items)` the score of each item, less what it would be without each event of the user."""
        support, count = self._support(state, features), len(state)
        table = self.table[torch.from_numpy(np.asarray(items, np.int64))]
        model, learner = self.model, self.model.learner

        def one(task: Task) -> Tensor:
            return model.score(learner.adapt(task.support), table, task.support.x)

        without = ~torch.eye(count, len(support), dtype=torch.bool) & support.mask
        masks = torch.cat([support.mask[None], without])

        def repeated(leaf: Tensor) -> Tensor:
            return leaf[None].expand(1 + count, *leaf.shape)

        every = support.map(repeated)
        every = Examples(every.x, every.y, masks, every.ways)
        with evaluating(learner), torch.no_grad():
            found = self._ratings(cast(Tensor, learner.map(one, Task(every, every, torch.arange(1 + count)))))
        return found[:1] - found[1:]

    def onboarding(self, questions: int = 10, **settings: Any) -> list[int]:
        """Items to ask a new user about; see `innerloop.recommend.onboarding`."""
        from innerloop.recommend._onboarding import onboarding

        return onboarding(self.model, questions, **settings)

    def _demand_values(self) -> None:
        if self.model.scale is not None or self.model.setting.least is not None:
            raise DataError("This model learned ratings; got events without. Give values=.")

    def _support(self, state: UserState, features: Features | None) -> Examples:
        """The user's events as padded examples."""
        model = self.model
        if model.tower.has_users and features is None:
            raise DataError("This model knows users by their features too. Give features= with one row.")
        events = Events(
            np.zeros(len(state), np.int64), state.items, state.values.astype(np.float64),
            np.arange(len(state), dtype=np.float64), 1, model.tower.items, model.scale is not None,
        )  # fmt: skip
        rows = Rows(
            events, model.tower.known, model.scale, negatives=model.setting.negatives, user_features=features,
            seed=model.setting.seed,
        )  # fmt: skip
        place = torch.arange(bucket(len(state)))[None]
        there = place < len(state)
        if model.setting.least is not None:
            there[0, : len(state)] = torch.from_numpy(state.values >= model.setting.least)
        one = rows.examples(torch.zeros(1, dtype=torch.int64), place, there)
        return one.map(lambda leaf: leaf[0])

    def _learned(self, state: UserState, support: Examples) -> Any:
        if len(state.vector):
            return state_of(self.model.learner, torch.from_numpy(state.vector))
        return self.model.learner.adapt(support)

    def _ratings(self, targets: Tensor) -> NDArray[np.float64]:
        found = targets.double().numpy()
        scale = self.model.scale
        return found if scale is None else found * scale.deviation + scale.mean


def vector_of(learned: Any) -> NDArray[np.float32]:
    """What a learner's state comes down to, where that is a short vector (CAVIA, ridge, biases); else nothing.

    >>> vector_of(RidgeState(torch.ones(2), torch.eye(2), torch.ones(2), {})).tolist()
    [1.0, 1.0]
    """
    if isinstance(learned, RidgeState):
        return cast("NDArray[np.float32]", learned.weight.numpy())
    if isinstance(learned, GradientState) and list(learned.parameters) == ["head.context"]:
        return cast("NDArray[np.float32]", learned.parameters["head.context"].numpy())
    return np.zeros(0, np.float32)


def state_of(learner: Any, vector: Tensor) -> Any:
    """The state that scores as the one that `vector_of` was given."""
    if learner.state_type is RidgeState:
        nothing = torch.zeros(0)
        return RidgeState(vector, nothing, nothing, {})
    if learner.state_type is GradientState:
        return GradientState({"head.context": vector})
    raise ConfigurationError(f"{learner.name} keeps no short vector of a user. Read the events again.")
