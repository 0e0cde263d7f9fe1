"""Meta-learned recommenders: trained on users as tasks, then fitted to anybody by a few of their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from innerloop.errors import DataError
from innerloop.evaluation._evaluate import evaluating
from innerloop.network_learner import NetworkLearner
from innerloop.outer import Fit, Run, fit
from innerloop.recommend._build import build_learner, fine_tuned
from innerloop.recommend._cases import Cases
from innerloop.recommend._events import Events, Real, Whole
from innerloop.recommend._features import Features
from innerloop.recommend._learners import Scores
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._rows import Scale, bucket
from innerloop.recommend._start import scale_of, start_of
from innerloop.recommend._tower import Tower
from innerloop.recommend._traces import Traces
from innerloop.recommend._user_tasks import CaseTasks, UserTasks
from innerloop.recommend._validation import Validation
from innerloop.task import Task, Tree
from innerloop.user_settings import Setting

BATCH = 256
"""Users that are adapted side by side, at most."""

NUMBERS = 20_000_000
"""Numbers that scoring a batch of users may hold at a time: 80 MB."""

WORTH_CAPTURING = 200
"""Outer steps from which on it pays to record a step as a graph. Without a trial, whose choice would change the last
bits from run to run."""


class Personalised(Recommender):
    """A learner of users as a recommender: training meta-learns it, serving adapts it to each user's events.

    The weights with the best validation are kept, be they those of the start: by the metric that is reported, on the
    validation cases. A user without events gets what a new user gets.

    Args:
        setting: how users are learned.
        item_features: one row for each item; items without training events are known by them alone.
        user_features: one row for each user, those who come later among them.
        name: what tables call it; None: after its learner.
        progress: show progress on stderr.
        metric: what weights are chosen by; None: "absolute error" for ratings, "nDCG@10" for rankings.

    >>> events = Events.of([0, 0, 1, 1], [0, 1, 0, 1], [5.0, 1.0, 4.0, 2.0], users=2, items=2)
    >>> nobody = Events.of([], [], [], users=2, items=2)
    >>> model = Personalised(Setting("ridge", factors=2, steps=2)).fit(events, Cases(nobody, nobody))
    >>> scores = model.scores(nobody, np.array([0]))
    >>> bool(scores[0, 0] > scores[0, 1])
    True
    """

    learner: NetworkLearner
    tower: Tower
    scale: Scale | None
    done: Fit

    def __init__(
        self, setting: Setting, *, item_features: Features | None = None, user_features: Features | None = None,
        name: str | None = None, progress: bool = False, metric: str | None = None,
    ):  # fmt: skip
        self.setting, self.progress, self.metric = setting, progress, metric
        self.predicts_ratings = setting.goal == "ratings"
        self.item_features, self.user_features = item_features, user_features
        self._prepare(Tower(1, max(1, setting.factors)))  # for its name; the events say how many items there are
        self.name, self.family = name or self.learner.name, self.learner.family

    def fit(
        self, train: Events, validation: Cases, *, run: str | Path | Run | None = None, resume: bool = False,
        config: dict[str, Any] | None = None, checkpoint_seconds: float = 30.0,
    ) -> Self:  # fmt: skip
        """Meta-trains on the users of `train`.

        Args:
            train: events of the training users.
            validation: users to choose the weights on; none: the last weights are kept.
            run: folder for checkpoints; None: nothing is written.
            resume: go on with the run that is there.
            config: plain values to keep in the run's `config.json`.
            checkpoint_seconds: time between checkpoints.

        Raises:
            DataError: if there is nothing to learn from, or ratings are asked of events that have none.
        """
        traces, setting = self._begin(train), self.setting
        source = UserTasks(
            train.liked(setting.least), self.tower.known, self.scale, shots=setting.shots, queries=setting.queries,
            cut=setting.cut, negatives=setting.negatives, hide=setting.hide, user_features=self.user_features,
            own=train, traces=traces, seed=setting.seed,
        )  # fmt: skip
        judge = Validation(self, validation, self.metric) if len(validation.query) else None
        # recording the step as a graph takes about as long as a few dozen steps
        mapping = "captured" if setting.steps >= WORTH_CAPTURING else "vmap"
        self.done = fit(
            self.learner, source, steps=setting.steps, validation=judge, validate_start=True,
            tasks_per_step=setting.tasks_per_step, optimiser=self._optimiser,
            scheduler=lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=setting.steps),
            validate_every=setting.validate_every, patience=setting.patience,
            seed=setting.seed, progress=self.progress, run=run, resume=resume, config=config, mapping=mapping,
            checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
        if setting.kind == "fine_tuned":
            self.learner = fine_tuned(setting, self.learner)
        self.learner.eval()
        return self

    def begin(self, train: Events) -> Self:
        """The recommender before training: the model of biases, or popularity, with fresh weights for the rest.

        A "bias" without factors is then the closed form with the shrinkage that it starts from.

        Raises:
            DataError: if ratings are asked of events that have none.
        """
        self._begin(train)
        return self

    def _begin(self, train: Events) -> Traces:
        setting = self.setting
        ranking = setting.goal == "ranking"
        if not ranking and not train.explicit:
            raise DataError("These events have no ratings to learn. Use goal='ranking'.")
        if setting.least is not None and not train.explicit:
            raise DataError("These events have no ratings, so least= tells none of them apart. Leave it out.")
        train = train.liked(setting.least)
        self.scale = None if ranking else scale_of(train)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            tower = Tower(train.items, setting.factors, self.item_features, self.user_features)
            counts = torch.from_numpy(np.bincount(train.item, minlength=train.items))
            start = start_of(train, self.scale, setting.factors, setting.stretch)
            tower.start_from(start.biases, counts, start.factors)
            self._prepare(tower)
        self.learner.eval()
        return start.traces

    def scores(self, support: Events, users: Whole) -> Real:
        """`(len(users), items)` predicted ratings, or preferences, from the users' support events.

        Ratings are not cut off at the ends of the scale, so that items which are all predicted to be liked keep an
        order.
        """
        cases = Cases(support.liked(self.setting.least), support.where(np.zeros(len(support), bool)))
        tasks = self._cases(cases, users=users)
        with torch.no_grad():
            table = self.tower.table()
        found = np.empty((len(users), self.tower.items))

        def one(task: Task) -> Tensor:
            return self.score(self.learner.adapt(task.support), table, task.support.x)

        for rows, batch in self._batches(tasks, table.numel() * self._widening):
            found[rows] = self._map(one, batch).double().numpy()
        return self._ratings(found)

    def score(self, state: Any, table: Tensor, x: Tree) -> Tensor:
        """`(items,)` scores of all items, in units of the targets.

        Args:
            state: what the learner made of the user's events.
            table: `Tower.table()`.
            x: of any examples of the user, whose features say who they are.
        """
        if self.tower.has_users:
            table = self.tower.personal(table, x["codes"][0], x["numbers"][0])
        return cast(Scores, self.learner).score(state, table)

    def _optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        # What items are beside their features is known from few events; all else is shared. A penalty in the loss, and
        # not a decay beside it: Adam would move a rare item as far as a frequent one, and the decay would not tell them
        # apart either.
        factors = self.tower.ids.weight
        own = [p for p in parameters if p is factors]
        rest = [p for p in self.learner.parameters() if p.requires_grad and p is not factors]
        groups = [{"params": rest, "weight_decay": 0.0}, {"params": own, "weight_decay": self.setting.weight_decay}]
        return torch.optim.Adam([group for group in groups if group["params"]], lr=self.setting.lr)

    def _cases(self, cases: Cases, **more: Any) -> CaseTasks:
        return CaseTasks(
            cases, self.tower.known, self.scale, negatives=self.setting.negatives, user_features=self.user_features,
            seed=self.setting.seed, **more,
        )  # fmt: skip

    def _prepare(self, tower: Tower) -> None:
        self.tower, self.learner = tower, build_learner(self.setting, tower)

    @property
    def _widening(self) -> int:
        """How many numbers a head makes of each of an item's."""
        inside = {"attention": 4 * self.setting.width, "ridge": 1, "bias": 1, "cavia": 1}
        return 1 + inside.get(self.setting.kind, max(self.setting.hidden)) // (self.setting.factors + 1)

    def _batches(self, tasks: CaseTasks, numbers: int) -> Iterator[tuple[NDArray[np.int64], Task]]:
        """Users of one bucket together, as many as `numbers` for each allow."""
        most = max(1, min(BATCH, NUMBERS // max(1, numbers)))
        lengths = np.array([bucket(int(count)) for count in tasks.support.counts[tasks.users]], np.int64)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            for at in range(0, len(rows), most):
                some = rows[at : at + most]
                yield some, tasks.batch(torch.from_numpy(some))

    def _map(self, function: Callable[[Task], Tensor], batch: Task) -> Tensor:
        with evaluating(self.learner), torch.no_grad():
            return cast(Tensor, self.learner.map(function, batch))

    def _ratings(self, targets: Real) -> Real:
        return targets if self.scale is None else targets * self.scale.deviation + self.scale.mean
