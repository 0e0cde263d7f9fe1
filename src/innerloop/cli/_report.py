"""`innerloop report RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """Write the page of a run again."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of the run."""


def run(arguments: Sequence[str]) -> int:
    """Writes the page and says where it is."""
    options = parse(Options, arguments, "innerloop report", "Write the page of a run again.")
    from innerloop.cli._kinds import is_policy
    from innerloop.cli._measure import measure
    from innerloop.cli._pages import write_run_page
    from innerloop.cli._policy_page import write_policy_page
    from innerloop.cli._work import open_run
    from innerloop.outer import Run
    from innerloop.recipes.control import ControlRecipe

    if is_policy(Run(options.run).config()):
        print(write_policy_page(Run(options.run)))
        return 0
    folder, experiment = open_run(options.run)
    # what robot control shows is measured piece by piece, and only what is missing
    if "test" not in folder.results() or isinstance(experiment.recipe, ControlRecipe):
        measure(experiment, folder, tasks=experiment.recipe.test_tasks, quiet=False)
    print(write_run_page(folder, experiment))
    return 0
