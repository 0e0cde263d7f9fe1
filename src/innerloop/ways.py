"""The number of classes of a task: logits are cut to it, and it stays while a task is gone on with."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from innerloop.errors import DataError
from innerloop.task import Examples


def cut_to_ways(prediction: Any, ways: int | None) -> Any:
    """The first `ways` logits: a head with more outputs than a task has classes leaves the rest unused.

    Raises:
        DataError: if there are fewer logits than classes.
    """
    if ways is None or not isinstance(prediction, Tensor):
        return prediction
    if prediction.shape[-1] < ways:
        raise DataError(
            f"A {ways}-way task needs {ways} logits; the network has {prediction.shape[-1]}. "
            f"Give it outputs={ways}, or use a learner without a fixed head (innerloop.methods.prototypes)."
        )
    return prediction[..., :ways]


def demand_same_ways(support: Examples, state: Any) -> None:
    """Refuses to go on from the state of a task with another number of classes; a state that names none passes.

    Raises:
        DataError: saying both numbers.
    """
    before = support.ways if state is None else getattr(state, "ways", support.ways)
    if before != support.ways:
        raise DataError(
            f"The state is of a task with {_classes(before)}; the support set has {_classes(support.ways)}. Examples "
            "that are added name as many as those before (ways=); for another task start without a state."
        )


def _classes(ways: int | None) -> str:
    return "no classes" if ways is None else f"{ways} classes"
