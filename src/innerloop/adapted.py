"""A learner that has learned one task, as a plain module: call it, save it, load it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.errors import CheckpointError, DataError
from innerloop.files import load_state, load_tensors, save_tensors
from innerloop.learner import Learner, State
from innerloop.losses import LOSSES, Loss, Missing, name_of
from innerloop.modules import in_mode
from innerloop.networks._functional import naming_shapes
from innerloop.sound import demand_sound
from innerloop.task import Examples, Task, Tree

_TILE = 16
"""Rows that are predicted together. Kernels are chosen by the shape of their input and differ in the last bits, so
every call has this shape: a row's prediction does not depend on how many others came with it."""

_FORMAT = "innerloop adapted model 1"


class AdaptedModel(nn.Module):
    """A model that has learned one task. `forward` gives logits `(N, ways)`, or values in a regression.

    Norm layers use the support set's statistics (or running averages), never those of the inputs: one picture alone
    gets the prediction, to the bit, that it gets among fifty.

    Args:
        learner: the learner; the model keeps a copy.
        state: what its `adapt` returned.
        classes: names of the classes.
        about: plain values to keep with the model, for instance how pictures were prepared.
    """

    def __init__(
        self,
        learner: Learner,
        state: State,
        classes: Sequence[str] | None = None,
        about: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.learner = copy.deepcopy(learner).eval().requires_grad_(False)
        self.classes = None if classes is None else list(classes)
        self.about = about or {}
        tensors: list[Tensor] = []
        self._outline = outline(state, tensors)
        for i, tensor in enumerate(tensors):
            self.register_buffer(f"state_{i}", tensor.detach().clone())
        self.eval()

    def train(self, mode: bool = True) -> AdaptedModel:
        """Stays in `eval()`: what has learned its task does not go on learning, nor drop units."""
        return super().train(False)

    @property
    def state(self) -> State:
        """The learner's state."""
        return fill(self._outline, self.get_buffer, self.learner.state_type)

    @torch.no_grad()
    def forward(self, x: Tree) -> Any:
        """Predictions for inputs `(N, ...)`.

        Raises:
            DataError: if there are none, or their shape is not that of the support examples.
        """
        rows = int(pytree.tree_leaves(x)[0].shape[0])
        if rows == 0:
            raise DataError("Expected at least one input; got none.")
        state, tiles = self.state, []
        with naming_shapes(x):
            for start in range(0, rows, _TILE):
                tile = pytree.tree_map(lambda leaf, at=start: _padded(leaf[at : at + _TILE]), x)
                tiles.append(self.learner.predict(state, tile))
        return pytree.tree_map(lambda *parts: torch.cat(parts)[:rows], *tiles)

    def probabilities(self, x: Tree) -> Tensor:
        """Class probabilities `(N, ways)` for inputs `(N, ...)`."""
        return torch.softmax(self(x), dim=-1)

    def save(self, path: str | Path) -> None:
        """Writes the model to one safetensors file: weights, state, and how to build it again as JSON. No pickle.

        A loss of `innerloop.losses` is kept by its name. Of any other one the file has the name alone: the loaded
        model predicts the same, and refuses to go on learning until its `learner.loss` is set.

        Args:
            path: the file.

        Raises:
            CheckpointError: if the learner is none of `innerloop.methods` on a network of `innerloop.networks`;
                save `model.state_dict()` yourself in that case.
        """
        if self.learner.spec is None:
            raise CheckpointError(
                f"{self.learner.name} has no spec from which it could be built again: its network is not one of "
                "innerloop.networks. Save model.state_dict() and build the model in your own code."
            )
        about = {
            "format": _FORMAT,
            "learner": self.learner.spec,
            "norm": self.learner.norm,
            "loss": _told(self.learner.loss),
            "classes": self.classes,
            "about": self.about,
            "state": self._outline,
        }
        save_tensors(Path(path), self.state_dict(), about)


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


def _padded(tile: Tensor) -> Tensor:
    missing = _TILE - len(tile)
    return torch.cat([tile, tile[-1:].expand(missing, *tile.shape[1:])]) if missing else tile


def adapted_model(
    learner: Learner,
    x: Tree,
    y: Tree,
    classes: Sequence[str] | None = None,
    about: dict[str, Any] | None = None,
) -> AdaptedModel:
    """Lets `learner` learn one task and wraps the result (see `Learner.adapted`)."""
    ways = _ways(learner, y, classes) if isinstance(y, Tensor) and not y.is_floating_point() else None
    if ways is None and classes is not None:
        raise DataError(
            f"Targets that are no whole numbers have no classes; got classes={list(classes)}. Leave them out."
        )
    support = Examples(x, y if ways is None else y.long(), ways=ways)
    if len(support) == 0:
        raise DataError("Expected at least one support example; got none.")
    demand_sound(Task(support, support).map(lambda leaf: leaf[None]))
    policy = learner.norm
    with in_mode(learner, training=False):
        try:
            if policy == "batch":
                learner.set_norm("support")
            with torch.no_grad():
                state = learner.adapt(support)
            return AdaptedModel(learner, state, classes, about)
        finally:
            learner.norm = policy


def _ways(learner: Learner, y: Tensor, classes: Sequence[str] | None) -> int:
    found = torch.unique(y).tolist()
    ways = len(found) if classes is None else len(classes)
    if any(not 0 <= label < ways for label in found):
        raise DataError(
            f"Class labels must be 0..{ways - 1}{' for these classes' if classes else ''}; got {found}. "
            "Relabel with torch.unique(y, return_inverse=True)[1]."
        )
    if len(found) < ways and learner.needs_every_class:
        missing = next(k for k in range(ways) if k not in found)
        raise DataError(f"Class {missing} has no example; {learner.name} needs at least one of each. Add one.")
    return ways


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
    if about.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not an adapted model: its format is {about.get('format')!r}.")
    learner = rebuilt(about.get("learner"), path)
    try:
        learner.set_norm(about["norm"])
        if "loss" in about:  # earlier versions did not write it
            learner.loss = _loss(about["loss"])
        state = fill(_in_full(about["state"], learner, about["classes"]), tensors.__getitem__, learner.state_type)
        _demand_names(about["classes"], getattr(state, "ways", None))
        model = AdaptedModel(learner, state, about["classes"], dict(about["about"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} in its description. Use another file.") from error
    load_state(model, tensors, path)
    return model


def _told(loss: Loss | None) -> Any:
    """A loss as plain values: a name, or the name of one that is not of this library."""
    if loss is None or loss in LOSSES.values():
        return loss and name_of(loss)
    return {"own": name_of(loss)}


def _loss(told: Any) -> Loss | None:
    """The loss that `_told` told of."""
    if isinstance(told, dict):
        return Missing(str(told["own"]))
    return None if told is None else LOSSES[told]


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
