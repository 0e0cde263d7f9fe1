"""`innerloop train ratings`: train, judge on users left out, write the run and its page."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

from innerloop.cli._pages import facts, headline, table_of
from innerloop.files import write_json
from innerloop.outer import Run
from innerloop.recipes._build_ratings import RatingsData, build_recommender, ratings_data
from innerloop.recipes._recipe import RatingsRecipe
from innerloop.recommend import (
    RECOMMENDERS,
    Personalised,
    RecommendationEvaluation,
    Recommender,
    compare_recommenders,
    evaluate_recommender,
    save,
)
from innerloop.report import Learning, Page, Row, write_page

MODEL = "recommender.safetensors"
"""The fitted recommender in a run."""

_CUT = 10
"""Items of a list that is judged: nDCG@10 is the usual one."""


METRICS = {"ratings": "absolute error", "ranking": f"nDCG@{_CUT}"}
"""What rows are compared by."""

RIVALS = {
    "ratings": ("user_item_bias", "ridge_on_factors", "item_mean", "global_mean"),
    "ranking": ("item_knn", "ease", "popularity"),
}
"""Whom every recommender must be compared with: closed forms, each tuned on the validation users."""


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
    about = {"schema": None if data.schema is None else data.schema.to_json()}
    save(model, run.folder / MODEL, about)
    write_json(run.folder / "fit.json", {**vars(model.done), "recipe": recipe.to_json()})
    rows: list[Judged] = []
    for kind, recommender in {"test": model, **rivals(recipe, data)}.items():
        start = time.perf_counter()
        if recommender is not model:
            recommender.fit(data.split.train, data.split.validation)
        seconds = model.done.seconds if recommender is model else time.perf_counter() - start
        found = evaluate_recommender(recommender, data.split.test, k=_CUT, name=name_of(recipe))
        found.source["shots"] = recipe.shots
        run.save_result(kind, {**found.to_json(), "fit_seconds": seconds})
        rows.append(Judged(found, seconds))
        if not quiet:
            print(found, file=sys.stderr)
    print(write_ratings_page(run, recipe, model, rows))
    return 0


class Judged(NamedTuple):
    """A row of the page.

    Attributes:
        found: what it does for the test users.
        seconds: that fitting it took.
    """

    found: RecommendationEvaluation
    seconds: float


def name_of(recipe: RatingsRecipe) -> str:
    """What the data are called in tables."""
    return "simulated ratings" if recipe.data is None else Path(recipe.data).name


def rivals(recipe: RatingsRecipe, data: RatingsData) -> dict[str, Recommender]:
    """Opponents by the name of their result, not yet fitted; the oracle where there is one."""
    made = {f"test.{name}": RECOMMENDERS[name](seed=recipe.seed) for name in RIVALS[recipe.goal]}
    if data.oracle is not None and recipe.goal == "ratings":
        made["test.oracle"] = data.oracle
    return made


def write_ratings_page(run: Run, recipe: RatingsRecipe, model: Personalised, judged: list[Judged]) -> Path:
    """Writes the page of a run."""
    metric = METRICS[recipe.goal]
    found = compare_recommenders({each.found.name: each.found for each in judged}, metric)
    rows = [
        Row(each.found.evaluation(metric), each.found.family, each.seconds, highlight=each.found.name == model.name)
        for each in judged
    ]
    own = rows[0].evaluation
    rest = [name for name in found.rows if name != found.best]
    page = Page(
        title=f"{own.name} on {own.source['name']}",
        lead=f"{own.name} met {len(judged[0].found.users):,} users that it had never seen, with {recipe.shots} events "
        f"of each. Best of these rows: {found.best}; {found.verdict(found.best, rest[0])}.",
        headline=headline(own, found, model.done.seconds),
        tables=[table_of("On users left out", own, rows, found)],
        learning=[Learning.from_metrics(own.name, run.metrics())],
        facts=facts(run, own),
        command=str(run.config()["provenance"]["command"]),
        notes=[
            "Intervals are 95 % over test users, for one training seed: another seed may move a row by more.",
            "A user's support set is their first events by time; everything later is predicted.",
            *_about_ranking(recipe),
        ],
    )
    write_page(run.page, page)
    return run.page


def _about_ranking(recipe: RatingsRecipe) -> list[str]:
    if recipe.goal == "ratings":
        return []
    return [
        "Every item of the catalogue is ranked, those of the support set left out; liked is a rating of 4 or more, or "
        "any event where there are no ratings."
    ]
