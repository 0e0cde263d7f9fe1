"""A fitted recommender as a file: weights and plain values, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.errors import CheckpointError
from innerloop.files import load_state, load_tensors, save_tensors
from innerloop.recommend._build import fine_tuned
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._rows import Scale
from innerloop.recommend._tower import Tower
from innerloop.user_settings import Setting

_FORMAT = "innerloop recommender 3"


def save(model: Personalised, path: str | Path, about: dict[str, Any] | None = None) -> None:
    """Writes a fitted recommender to one safetensors file.

    Args:
        model: it.
        path: the file.
        about: plain values to keep with it, for instance the schema of the table.
    """
    said = {
        "format": _FORMAT, "setting": model.setting.to_json(), "shape": model.tower.shape, "name": model.name,
        "scale": None if model.scale is None else list(model.scale), "about": about or {},
    }  # fmt: skip
    save_tensors(Path(path), model.learner.state_dict(), said)


def load(path: str | Path) -> tuple[Personalised, dict[str, Any]]:
    """The recommender that `save` wrote, ready to serve, and what was kept with it. Nothing in the file is executed.

    Raises:
        CheckpointError: if the file is missing, damaged, or something else.
    """
    path = Path(path)
    tensors, said = load_tensors(path)
    if said.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is no recommender: its format is {said.get('format')!r}. Use another file.")
    try:
        model = Personalised(Setting.from_json(said["setting"]), name=str(said["name"]))
        model._prepare(Tower.of(said["shape"]))
        model.scale = None if said["scale"] is None else Scale(*map(float, said["scale"]))
        if model.setting.kind == "fine_tuned":
            model.learner = fine_tuned(model.setting, model.learner)
        about = dict(said["about"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} in its description. Use another file.") from error
    load_state(model.learner, tensors, path)
    model.learner.eval()
    return model, about
