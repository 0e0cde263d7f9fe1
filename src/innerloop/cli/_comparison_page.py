"""The page of a comparison."""

from __future__ import annotations

from pathlib import Path

from innerloop.cli._comparison import TITLES, Found
from innerloop.cli._opened import equal
from innerloop.cli._pages import NOTES, facts, headline, lead, seconds_of, shape, table_of, views
from innerloop.cli._ranges import compared, range_of, said
from innerloop.evaluation._seeds import COVERS
from innerloop.report import Learning, Page, Range, write_page

PICKED = (
    "The best row of a side is picked on the same tasks that it is judged on, which flatters it a little where there "
    "are a few rows, and more where there are many."
)
AS_TRAINED = (
    "Meta-learned rows keep the inner steps of their recipe at every number of shots; fine-tuning, heads on features, "
    "closed forms and training from scratch were tuned anew on validation tasks for each of them."
)


def write_comparison_page(path: Path, found: Found, command: str) -> None:
    """Writes the page.

    Args:
        path: the file.
        found: what was measured.
        command: what makes the page again.
    """
    opened, rows = found.opened, found.rows
    run, experiment = opened.runs[0], opened.experiments[0]
    own = next(row.evaluation for row in rows if row.highlight)
    first_runs = [next(run for run in opened.runs if run.folder == group.runs[0]) for group in opened.groups]
    several = any(len(group.seeds) > 1 for group in opened.groups)
    name = experiment.source.test.describe()["name"]
    tables = []
    for where, part in found.tables:
        caption = "The learners of the first table, as they are: nothing was trained on handwriting."
        caption = caption if where != "test" else ""
        tables.append(table_of(TITLES[where], part[0].evaluation, part, compared(part), caption))
    page = Page(
        title=f"{name[:1].upper()}{name[1:]}: which way of learning a task?",
        lead=lead(own, found.comparison, run),
        headline=headline(own, found.comparison, seconds_of(run)),
        verdict=found.verdict(),
        tables=tables,
        ranges=_shots(found),
        learning=[Learning.from_metrics(one.config()["name"], one.metrics()) for one in first_runs],
        curves={row.evaluation.name: row.evaluation for row in rows if row.evaluation.curve},
        own=own,
        facts=[(what, _seeds(found)) if what == "Seed" and several else (what, text) for what, text in facts(run, own)],
        command=command,
        notes=[NOTES["batch"], COVERS if several else NOTES["tasks"], *equal(opened), PICKED],
        **views(experiment, own),
    )
    write_page(path, page)


def _shots(found: Found) -> list[Range]:
    if not found.places:
        return []
    own = found.rows[0].evaluation
    per_class = " per class" if own.source.get("ways") else ""
    shots = {one.recipe.train_shots or one.recipe.shots for one in found.opened.experiments}
    trained = " or ".join(f"{number:,}" for number in sorted(shots))
    caption = (
        f"{len(own.values):,} {shape(own.source).partition(':')[0]} with more or fewer support examples{per_class}. "
        f"Nothing was trained again: training tasks had {trained}{per_class}."
    )
    verdicts = list(dict.fromkeys([*said(found.crossovers), *(one.sentences[0] for _, one in found.rulings)]))
    return [range_of("When there are more examples", caption, "shots", found.places, verdicts, notes=[AS_TRAINED])]


def _seeds(found: Found) -> str:
    return ", ".join(f"{group.method} {' '.join(map(str, group.seeds))}" for group in found.opened.groups)
