"""`innerloop train ratings`: train, judge on users left out, write the run and its page."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from innerloop.cli._pages import facts, headline, table_of
from innerloop.evaluation import Comparison
from innerloop.files import write_json
from innerloop.outer import Run
from innerloop.recipes._build_ratings import RatingsData, build_recommender, ratings_data
from innerloop.recipes.ratings import RatingsRecipe
from innerloop.recommend import (
    RECOMMENDERS,
    Personalised,
    RecommendationEvaluation,
    Recommender,
    compare_recommenders,
    evaluate_recommender,
    save,
)
from innerloop.report import Learning, Page, Row, Table, write_page

MODEL = "recommender.safetensors"
"""The fitted recommender in a run."""

_CUT = 10
"""Items of a list that is judged: nDCG@10 is the usual one."""


METRICS = {"ratings": "absolute error", "ranking": f"nDCG@{_CUT}"}
"""What rows are compared by."""

RIVALS = {
    "ratings": ("user_item_bias", "ridge_on_factors", "item_mean", "global_mean", "popularity"),
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
    first = judged[0].found
    metric, other = METRICS[recipe.goal], METRICS["ranking"]
    # an oracle is no rival: it stands in the table, and nothing is said to have lost against it
    compared = {each.found.name: each.found for each in judged if each.found.family != "oracle"}
    found = compare_recommenders(compared, metric)
    own = first.evaluation(metric)
    page = Page(
        title=f"{model.name} on {first.source['name']}",
        lead=_lead(recipe, model.name, found, len(first.users)),
        headline=headline(own, found, model.done.seconds),
        tables=[
            _table(title, each, judged, compare_recommenders(compared, each), caption)
            for each, title, caption in (
                (metric, "On users left out", _caption(recipe, first)),
                *([(other, "Ranking every item", _ranked(judged))] if other != metric else []),
            )
        ],
        learning=[Learning.from_metrics(model.name, run.metrics(), own.units)],
        facts=[("Learner", _told(model)), *facts(run, own)[1:]],
        command=str(run.config()["provenance"]["command"]),
        notes=[
            "Intervals are 95 % over test users, for one training seed: another seed may move a row by more.",
            "A user's support set is their first events by time; everything later is predicted.",
            *_about_ranking(recipe),
            f"To use it: innerloop recommend {run.folder} --events FILE.csv, with one user's events in the file.",
        ],
    )
    write_page(run.page, page)
    return run.page


def _ranked(judged: list[Judged]) -> str:
    """How the second table of a run that learned ratings is to be read."""
    said = "All items are ranked, those of the support set left out; liked is a rating of 4 or more. What is made for"
    said += " rankings, popularity aside, is in the runs with --goal ranking."
    if any(each.found.family == "oracle" for each in judged):
        said += " An oracle of ratings does not know what people choose."
    return said


def _lead(recipe: RatingsRecipe, own: str, found: Comparison, users: int) -> str:
    """The run against its best rival: whether it was worth it."""
    rival = next(name for name in found.rows if name != own)
    difference = found.difference(own, rival)
    better = difference.seen and (difference.mean > 0) == found.rows[own].higher_is_better
    enough = "" if better else f" Here {rival} is enough."
    return (
        f"{own} met {users:,} users that it had never seen, with {recipe.shots} events of each. Against the best of "
        f"its rivals: {found.verdict(own, rival)}.{enough}"
    )


def _caption(recipe: RatingsRecipe, found: RecommendationEvaluation) -> str:
    each = found.source["queries"] / len(found.users)
    return f"{len(found.users):,} users, {recipe.shots} events known and {each:.0f} later ones of each in the mean."


def _table(title: str, metric: str, judged: list[Judged], found: Comparison, caption: str) -> Table:
    rows = [
        Row(each.found.evaluation(metric), each.found.family, each.seconds, highlight=each is judged[0])
        for each in judged if metric in each.found.values
    ]  # fmt: skip
    return replace(table_of(title, rows[0].evaluation, rows, found), caption=caption)


def _told(model: Personalised) -> str:
    setting = model.setting
    said = [f"items are {setting.factors} numbers"]
    if setting.kind in ("maml", "fomaml", "anil", "meta_sgd", "cavia"):
        said.append(f"{setting.inner_steps} inner steps at {setting.inner_lr:g}")
    return f"{model.name}: {', '.join(said)}"


def _about_ranking(recipe: RatingsRecipe) -> list[str]:
    if recipe.goal == "ratings":
        return []
    return [
        "Every item of the catalogue is ranked, those of the support set left out; liked is a rating of 4 or more, or "
        "any event where there are no ratings."
    ]
