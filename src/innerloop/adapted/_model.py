"""A learner that has learned one task, as a plain module: call it, save it, load it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.adapted._plain import FORMAT, fill, outline, told
from innerloop.errors import CheckpointError, DataError
from innerloop.files import save_tensors
from innerloop.learner import Learner, State
from innerloop.modules import in_mode
from innerloop.networks._functional import naming_shapes
from innerloop.sound import demand_sound
from innerloop.task import Examples, Task, Tree

_TILE = 16
"""Rows that are predicted together. Kernels are chosen by the shape of their input and differ in the last bits, so
every call has this shape: a row's prediction does not depend on how many others came with it."""


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
                f"{self.learner.name} has no spec from which it could be built again: it is not one of "
                "innerloop.methods on a network of innerloop.networks. Save model.state_dict() and build the model in "
                "your own code."
            )
        about = {
            "format": FORMAT,
            "learner": self.learner.spec,
            "norm": self.learner.norm,
            "loss": told(self.learner.loss),
            "classes": self.classes,
            "about": self.about,
            "state": self._outline,
        }
        save_tensors(Path(path), self.state_dict(), about)


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
