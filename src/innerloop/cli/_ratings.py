"""`innerloop train ratings`: train, judge on users left out, write the run and its page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from innerloop.cli._pages import facts, headline, table_of
from innerloop.evaluation import Evaluation, comparison
from innerloop.files import write_json
from innerloop.outer import Run
from innerloop.recipes._build_ratings import RatingsData, build_recommender, ratings_data
from innerloop.recipes._recipe import RatingsRecipe
from innerloop.recommend import Cases, Personalised, Recommender, Setting, save
from innerloop.report import Learning, Page, Row, write_page

MODEL = "recommender.safetensors"
"""The fitted recommender in a run."""

_CUT = 10
"""Items of a list that is judged: nDCG@10 is the usual one."""


class RankingEvaluation(Evaluation):
    """nDCG of each user: higher is better."""

    @property
    def higher_is_better(self) -> bool:
        """Always, for a gain."""
        return True


def train_ratings(recipe: RatingsRecipe, run: Run, *, resume: bool, checkpoint_seconds: float, quiet: bool) -> int:
    """Trains a recommender, measures it on the test users and writes the page.

    Args:
        recipe: what to train.
        run: where it is kept.
        resume: go on with the run that is there.
        checkpoint_seconds: time between checkpoints.
        quiet: show no progress.

    Returns:
        0, or 130 if it was interrupted.
    """
    data = ratings_data(recipe)
    model = build_recommender(recipe, data.dataset, progress=not quiet)
    model.fit(
        data.split.train, data.split.validation, run=run, resume=resume, config={"recipe": recipe.to_json()},
        checkpoint_seconds=checkpoint_seconds,
    )  # fmt: skip
    if model.done.interrupted:
        print(f"innerloop: stopped; the same command with --resume goes on in {run.folder}", file=sys.stderr)
        return 130
    save(model, run.folder / MODEL, {"names": data.names})
    write_json(run.folder / "fit.json", {**vars(model.done), "recipe": recipe.to_json()})
    rows = [judged(model, data.split.test, recipe.shots)]
    rows += [judged(rival, data.split.test, recipe.shots) for rival in rivals(recipe, data)]
    for row in rows:
        run.save_result(
            "test" if row.name == model.name else f"test.{row.name.lower().replace(' ', '_')}", row.to_json()
        )
        if not quiet:
            print(row, file=sys.stderr)
    print(write_ratings_page(run, model, rows))
    return 0


def rivals(recipe: RatingsRecipe, data: RatingsData) -> list[Recommender]:
    """What every recommender must be compared with, from the same training events."""
    goal: Any = recipe.goal
    if goal == "ranking":
        return [Personalised(Setting("bias", goal, factors=0), name="Popularity").begin(data.split.train)]
    made = Personalised(Setting("bias", factors=0), name="User and item biases").begin(data.split.train)
    items = Personalised(Setting("bias", factors=0, strength=1e9), name="Item means").begin(data.split.train)
    return [made, items]


def judged(model: Recommender, cases: Cases, shots: int) -> Evaluation:
    """The mean absolute error of each user, or nDCG over the whole catalogue, seen items left out.

    Args:
        model: a fitted recommender.
        cases: users that it has not seen.
        shots: support events of each.
    """
    ranking = isinstance(model, Personalised) and model.scale is None
    values = _gains(model, cases) if ranking else _errors(model, cases)
    source = {"name": "ratings", "split": "test", "shots": shots, "queries": "all later", "users": len(cases.users)}
    kind = RankingEvaluation if ranking else Evaluation
    return kind(
        model.name, f"nDCG@{_CUT}" if ranking else "absolute error", values, values, source, 0, "none",
        "users of one length together", 0.0,
    )  # fmt: skip


def _errors(model: Recommender, cases: Cases) -> Any:
    off = np.abs(model.predict(cases) - cases.query.value)
    counts = cases.query.counts[cases.users]
    return np.bincount(cases.query.user, off, cases.query.users)[cases.users] / counts


def _gains(model: Recommender, cases: Cases) -> Any:
    """`DCG / IDCG` of each user: every later event is a hit."""
    scores = model.scores(cases.support, cases.users)
    scores[np.searchsorted(cases.users, cases.support.user), cases.support.item] = -np.inf
    discount = 1 / np.log2(np.arange(2, _CUT + 2))
    found = np.empty(len(cases.users))
    for row, user in enumerate(cases.users.tolist()):
        best = np.argsort(-scores[row], kind="stable")[:_CUT]
        own = cases.query.history(user).item
        found[row] = (np.isin(best, own) * discount[: len(best)]).sum() / discount[: len(own)].sum()
    return found


def write_ratings_page(run: Run, model: Personalised, results: list[Evaluation]) -> Path:
    """Writes the page of a run."""
    own = results[0]
    rows = [Row(own, model.family, model.done.seconds, highlight=True)]
    rows += [Row(row, "closed form", 0.0) for row in results[1:]]
    found = comparison({row.name: row for row in results})
    rest = [name for name in found.rows if name != found.best]
    page = Page(
        title=f"{own.name} on {own.source['name']}",
        lead=f"{own.name} met {len(own.values):,} users that it had never seen, with {own.source['shots']} events of "
        f"each. Best of these rows: {found.best}; {found.verdict(found.best, rest[0])}.",
        headline=headline(own, found, model.done.seconds),
        tables=[table_of("On users left out", own, rows, found)],
        learning=[Learning.from_metrics(own.name, run.metrics())],
        facts=facts(run, own),
        command=str(run.config()["provenance"]["command"]),
        notes=[
            "Intervals are 95 % over test users, for one training seed: another seed may move a row by more.",
            "A user's support set is their first events by time; everything later is predicted.",
        ],
    )
    write_page(run.page, page)
    return run.page
