"""Adapted models from files, and learners from their specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from innerloop.adapted._model import AdaptedModel
from innerloop.adapted._plain import FORMAT, fill, loss_of
from innerloop.errors import CheckpointError
from innerloop.files import load_state, load_tensors
from innerloop.learner import Learner


def rebuilt(spec: Any, path: Path) -> Learner:
    """The learner that a spec in the file `path` describes, with fresh weights.

    Raises:
        CheckpointError: if it describes none.
    """
    from innerloop.methods import from_spec

    try:
        return from_spec(spec)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, CheckpointError) as error:
        raise CheckpointError(
            f"{path} describes no learner of this version of innerloop: {str(error) or repr(error)}. It is damaged, "
            "or from another version."
        ) from error


def load(path: str | Path) -> AdaptedModel:
    """Reads an adapted model that `AdaptedModel.save` wrote. Nothing in the file is executed.

    Raises:
        CheckpointError: if the file is damaged, truncated, or not an adapted model.
    """
    path = Path(path)
    tensors, about = load_tensors(path)
    if about.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not an adapted model: its format is {about.get('format')!r}.")
    learner = rebuilt(about.get("learner"), path)
    try:
        learner.set_norm(about["norm"])
        if "loss" in about:  # earlier versions did not write it
            learner.loss = loss_of(about["loss"])
        state = fill(_in_full(about["state"], learner, about["classes"]), tensors.__getitem__, learner.state_type)
        _demand_names(about["classes"], getattr(state, "ways", None))
        model = AdaptedModel(learner, state, about["classes"], dict(about["about"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} in its description. Use another file.") from error
    load_state(model, tensors, path)
    return model


def _in_full(shape: Any, learner: Learner, classes: Any) -> Any:
    """The outline of a state; joint training, which had an empty one once, is told the ways by the classes' names."""
    if shape != {"dict": {}} or learner.state_type is dict:
        return shape
    return {"state": {"ways": {"value": None if classes is None else len(classes)}}}


def _demand_names(classes: Any, ways: int | None) -> None:
    if ways is not None and ways < 1:
        raise ValueError(f"the number of classes is {ways}")
    if classes is not None and (
        not isinstance(classes, list) or not all(isinstance(name, str) for name in classes) or len(classes) != ways
    ):
        raise ValueError(f"the names of {ways} classes are {classes!r}")
