"""Which layers' representations adaptation changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.errors import ConfigurationError
from innerloop.evaluation import Interval, interval
from innerloop.explain._analysis import Analysis
from innerloop.explain._cka import LEAST, hsic
from innerloop.explain._layers import Layer, activations, layers_of
from innerloop.explain._over_tasks import Array, Found, demand_steps, joined, over_tasks
from innerloop.explain._words import plus_minus
from innerloop.learner import Learner
from innerloop.task import Source, Task

REUSED = 0.9
"""Above it a layer is said to be kept: the acceptance figure that this project took for Raghu et al.'s finding."""


@dataclass(frozen=True)
class LayerSimilarity:
    """One layer.

    Attributes:
        name: of the layer.
        head: whether it belongs to the head.
        cka: similarity of its outputs before and after adaptation, mean over tasks.
        chance: what 95 % of the means stay below when the examples are shuffled: unrelated representations.
        constant: tasks in which its outputs did not vary over the examples, so that they have no similarity.
    """

    name: str
    head: bool
    cka: Interval
    chance: float
    constant: int


@dataclass(frozen=True)
class Similarity(Analysis):
    """Representations of the query examples before and after adaptation.

    Attributes:
        layers: in the network's order.
        tasks: tasks behind the means.
    """

    layers: list[LayerSimilarity]
    tasks: int

    @property
    def sentences(self) -> list[str]:
        """Which layers keep their representation, which change."""
        known = [layer for layer in self.layers if np.isfinite(layer.cka.mean)]
        if not known:
            return []
        least = min(known, key=lambda layer: layer.cka.mean)
        body = [layer for layer in known if not layer.head]
        said = []
        if least.head and body and min(layer.cka.mean for layer in body) > REUSED:
            low = min(layer.cka.mean for layer in body)
            said.append(
                f"Features are reused: adaptation keeps the representations of the body (CKA {low:.3f} or more) and "
                f"changes those of {least.name} ({plus_minus(least.cka)})."
            )
        elif least.cka.mean > REUSED:
            said.append(f"Adaptation keeps all representations: CKA {least.cka.mean:.3f} or more.")
        else:
            most = max(known, key=lambda layer: layer.cka.mean)
            said.append(
                f"Adaptation changes the representations of {least.name} most (CKA {plus_minus(least.cka)}) and those "
                f"of {most.name} least ({plus_minus(most.cka)})."
            )
        lost = [layer.name for layer in known if layer.cka.mean <= layer.chance]
        if lost:
            said.append(f"Of {', '.join(lost)} no more is left than of an unrelated representation.")
        return said


def similarity(
    learner: Learner, source: Source, tasks: int = 200, *, permutations: int = 100, first: int = 0, batch: int = 50
) -> Similarity:
    """Debiased linear CKA between each layer's outputs for the query examples before and after adaptation.

    The outputs are those of a layer with its norm, before the non-linearity. The null distribution shuffles the
    examples of one side: it shows what unrelated representations of the same shapes give.

    Args:
        learner: a gradient learner.
        source: a split of tasks with at least four query examples.
        tasks: how many tasks.
        permutations: draws of the null distribution.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: for a learner without gradient steps, or too few query examples.

    Source: Raghu et al. 2020, section 3.3; Nguyen, Raghu and Kornblith 2021; Song et al. 2012.
    """
    found = demand_steps(learner, "its network is the same before and after")
    shown = source.batch(torch.tensor([first])).query.mask.sum().item()
    if shown < LEAST:
        raise ConfigurationError(f"Similarity needs at least {LEAST} query examples in a task; got {shown}.")
    layers = layers_of(found.network)

    def one(task: Task) -> dict[str, Tensor]:
        states = list(found.trajectory(task.support, found.test_steps))
        grams = {"mask": task.query.mask}
        for when, state in (("before", states[0]), ("after", states[-1])):
            with activations(found.network, layers) as seen:
                found.predict(state, task.query.x, task.query.mask)
            grams |= {f"{when} {name}": _gram(out, task.query.mask) for name, out in _fitting(seen, task).items()}
        return grams

    draw = np.random.default_rng(0)
    parts = over_tasks(
        learner, source, tasks, one, first=first, batch=batch,
        reduce=lambda part: _similarities(part, layers, permutations, draw),
    )  # fmt: skip
    kept = [layer for layer in layers if layer.name in parts[0]]
    return Similarity([_row(layer, joined(parts, layer.name)) for layer in kept], tasks)


def _fitting(seen: dict[str, Tensor], task: Task) -> dict[str, Tensor]:
    # what has no row for each example has nothing to compare
    return {name: out for name, out in seen.items() if out.ndim > 1 and out.shape[0] == len(task.query)}


def _gram(out: Tensor, mask: Tensor) -> Tensor:
    """Inner products of all pairs of examples, zero where one is padding."""
    z = torch.where(mask[:, None], out.flatten(1).double(), 0)
    # HSIC does not depend on the centre, rounding does: what does not vary comes to exactly zero
    z = torch.where(mask[:, None], z - z[:1], 0)
    return z @ z.T


def _similarities(part: Found, layers: list[Layer], permutations: int, draw: np.random.Generator) -> Found:
    """`(T, 1 + permutations)` for each layer: the similarity, then its values under shuffled examples."""
    mask = part["mask"].astype(bool)
    every = {}
    for layer in layers:
        if f"after {layer.name}" in part:
            tasks = zip(part[f"before {layer.name}"], part[f"after {layer.name}"], mask, strict=True)
            every[layer.name] = np.stack(
                [_one_task(a[rows][:, rows], b[rows][:, rows], permutations, draw) for a, b, rows in tasks]
            )
    return every


def _one_task(a: Array, b: Array, permutations: int, draw: np.random.Generator) -> Array:
    """CKA, then its values under shuffled examples; NaN where a representation does not vary at all."""
    if len(a) < LEAST:
        return np.full(1 + permutations, np.nan)
    orders = draw.permuted(np.tile(np.arange(len(a)), (permutations, 1)), axis=1)
    scale = hsic(a, a) * hsic(b, b)  # the same for every order
    if not scale > 0:
        return np.full(1 + permutations, np.nan)
    shuffled = np.concatenate([b[None], b[orders[:, :, None], orders[:, None, :]]])
    return np.asarray(hsic(a, shuffled) / np.sqrt(scale))


def _row(layer: Layer, values: Array) -> LayerSimilarity:
    known = np.isfinite(values[:, 0])
    if not known.any():
        return LayerSimilarity(layer.name, layer.head, Interval(float("nan"), float("nan")), float("nan"), len(values))
    chance = float(np.percentile(values[known, 1:].mean(0), 95)) if values.shape[1] > 1 else float("nan")
    return LayerSimilarity(layer.name, layer.head, interval(values[known, 0]), chance, int((~known).sum()))
