"""What a file holds of an adapted model beside its tensors: the outline of a state, and a loss, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from innerloop.learner import State
from innerloop.losses import LOSSES, Loss, Missing, name_of

FORMAT = "innerloop adapted model 1"


def outline(state: Any, tensors: list[Tensor]) -> Any:
    """The structure of a state as JSON values; its tensors are appended to `tensors`."""
    if isinstance(state, Tensor):
        tensors.append(state)
        return {"tensor": f"state_{len(tensors) - 1}"}
    if isinstance(state, dict):
        return {"dict": {name: outline(value, tensors) for name, value in state.items()}}
    if hasattr(state, "_asdict"):
        return {"state": {name: outline(value, tensors) for name, value in state._asdict().items()}}
    if isinstance(state, tuple):
        return {"tuple": [outline(value, tensors) for value in state]}
    return {"value": state}


def fill(shape: Any, tensor: Callable[[str], Tensor], state_type: Callable[..., State]) -> Any:
    """The state that `outline` described, with `tensor(name)` for its tensors."""
    ((kind, inside),) = shape.items()
    if kind == "tensor":
        return tensor(inside)
    if kind == "value":
        if type(inside) is not int and inside is not None:  # states hold counts beside tensors, and nothing else
            raise ValueError(f"a state holds {inside!r}")
        return inside
    if kind == "tuple":
        return tuple(fill(value, tensor, state_type) for value in inside)
    filled = {name: fill(value, tensor, state_type) for name, value in inside.items()}
    return filled if kind == "dict" else state_type(**filled)


def told(loss: Loss | None) -> Any:
    """A loss as plain values: a name, or the name of one that is not of this library."""
    if loss is None or loss in LOSSES.values():
        return loss and name_of(loss)
    return {"own": name_of(loss)}


def loss_of(kept: Any) -> Loss | None:
    """The loss that `told` told of."""
    if isinstance(kept, dict):
        return Missing(str(kept["own"]))
    return None if kept is None else LOSSES[kept]
