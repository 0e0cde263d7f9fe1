"""What a run's folder holds about what adaptation changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from innerloop.errors import CheckpointError, DataError
from innerloop.explain import Explanation
from innerloop.files import read_json
from innerloop.outer import Run
from innerloop.recipes._build import Experiment
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.report._views import influence_views
from innerloop.sources._base import SPLITS


def explanation_file(run: Run) -> Path:
    """Where the explanation of a run is."""
    return run.folder / "explain.json"


def explained(run: Run, experiment: Experiment) -> dict[str, Any]:
    """The fields of a page about a run's explanation; none if there is none.

    Raises:
        CheckpointError: if its file is damaged.
    """
    path = explanation_file(run)
    if not path.exists():
        return {}
    try:
        found = Explanation.from_json(read_json(path))
    except DataError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if found.influence is None or not isinstance(experiment.recipe, PictureRecipe):
        return {"explanation": found}
    for name in SPLITS:
        source = getattr(experiment.source, name)
        # tasks of another shape have other pictures under the same numbers
        if json.loads(json.dumps(source.describe())) == found.source:
            return {"explanation": found, "influences": influence_views(source, found.influence)}
    return {"explanation": found}
