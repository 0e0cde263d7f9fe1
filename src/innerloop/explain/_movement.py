"""How far each layer moves when a task is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from innerloop.evaluation import Difference, Interval, interval
from innerloop.explain._analysis import Analysis
from innerloop.explain._layers import layers_of
from innerloop.explain._over_tasks import Array, demand_steps, joined, over_tasks, paired
from innerloop.explain._words import share
from innerloop.learner import Learner
from innerloop.task import Source, Task


@dataclass(frozen=True)
class LayerMovement:
    """One layer.

    Attributes:
        name: of the layer.
        head: whether it belongs to the head.
        adapts: whether the inner loop may change it.
        size: how many numbers it has.
        relative: `‖θ_k - θ_0‖ / ‖θ_0‖` after step k = 1, 2, ...; no number where the layer starts at zero.
        absolute: `‖θ_k - θ_0‖` after step k.
    """

    name: str
    head: bool
    adapts: bool
    size: int
    relative: list[Interval]
    absolute: list[Interval]


@dataclass(frozen=True)
class Movement(Analysis):
    """How far layers move in adaptation.

    Attributes:
        layers: in the network's order.
        body: relative movement of all layers but the head together, after the last step; None if there are none.
        head: the same of the head.
        difference: head minus body, paired over tasks.
        tasks: tasks behind the means.
        normed: layers that a norm follows: their scale means nothing, so neither does their relative movement alone.
    """

    layers: list[LayerMovement]
    body: Interval | None
    head: Interval | None
    difference: Difference | None
    tasks: int
    normed: list[str]

    def __post_init__(self) -> None:
        counts = {len(each) for layer in self.layers for each in (layer.relative, layer.absolute)}
        if len(counts) != 1 or counts == {0}:
            raise ValueError(f"layers with different numbers of steps: {sorted(counts)}")

    @property
    def sentences(self) -> list[str]:
        """Which part moves more, and which layer most."""
        said = []
        moving = [layer for layer in self.layers if layer.adapts]
        if self.body and self.head and self.difference and np.isfinite(self.difference.mean):
            both = f"{share(self.body.mean)} of its own size against {share(self.head.mean)}"
            if not self.difference.seen:
                said.append(f"No difference seen between how far body and head move: {both}.")
            else:
                word = "less" if self.difference.mean > 0 else "more"
                said.append(f"The body moves {word} than the head: {both}.")
        elif all(layer.head for layer in moving):
            far = self.head and np.isfinite(self.head.mean) and f": it moves by {share(self.head.mean)} of its own size"
            said.append(f"Only the head adapts{far or ''}.")
        known = [layer for layer in moving if np.isfinite(layer.relative[-1].mean)]
        if len(known) > 1:
            most, least = (pick(known, key=lambda layer: layer.relative[-1].mean) for pick in (max, min))
            said.append(
                f"Of single layers {most.name} moves most ({share(most.relative[-1].mean)}) and {least.name} least "
                f"({share(least.relative[-1].mean)})."
            )
        elif len(moving) == 1 and not known:
            said.append(f"{moving[0].name} starts at zero and moves by {moving[0].absolute[-1].mean:.3g}.")
        return said


def movement(learner: Learner, source: Source, tasks: int = 200, *, first: int = 0, batch: int = 50) -> Movement:
    """How far each layer moves in adaptation, step by step.

        m_l(k) = ‖θ_k,l - θ_0,l‖ / ‖θ_0,l‖

    A layer is a module with parameters of its own, together with the norm layers behind it. θ_0 is where the inner
    loop starts.

    Args:
        learner: a gradient learner.
        source: a split of tasks.
        tasks: how many tasks.
        first: number of the first task.
        batch: tasks held in memory at a time.

    Raises:
        ConfigurationError: for a learner without gradient steps.

    Source: Raghu et al. 2020, "Rapid learning or feature reuse?", section 3; Oh et al. 2021, "BOIL", section 4.
    """
    found = demand_steps(learner, "nothing of its network moves")
    network, adapted = found.network, set(found.adapted_names)
    layers = layers_of(network)

    def one(task: Task) -> dict[str, Tensor]:
        states = found.trajectory(task.support, found.test_steps)
        start = next(states).parameters

        def norms(parameters: dict[str, Tensor]) -> Tensor:
            zero = next(iter(start.values())).new_zeros((), dtype=torch.float64)
            squares = {n: p.double().square().sum() for n, p in parameters.items()}
            return torch.stack([sum((squares.get(n, zero) for n in layer.parameters), zero) for layer in layers])

        moved = [norms({n: p - start[n] for n, p in state.parameters.items()}) for state in states]
        # a layer may have parameters that do not adapt, such as those beside a context
        whole = {n: start[n] if n in start else network.get_parameter(n) for layer in layers for n in layer.parameters}
        return {"moved": torch.stack(moved), "start": norms(whole)}

    parts = over_tasks(learner, source, tasks, one, first=first, batch=batch)
    moved, start = joined(parts, "moved"), joined(parts, "start")  # (T, K, L), (T, L), squares
    adapts = [any(name in adapted for name in layer.parameters) for layer in layers]
    is_head = np.array([layer.head for layer in layers])
    moves = np.array(adapts)
    body, head = (_relative(moved[:, -1][:, which & moves].sum(1), start[:, which & moves].sum(1)) for which in
                  (~is_head, is_head))  # fmt: skip
    both = bool((is_head & moves).any() and (~is_head & moves).any())
    return Movement(
        layers=[
            LayerMovement(
                layer.name,
                layer.head,
                adapts[i],
                sum(network.get_parameter(n).numel() for n in layer.parameters),
                [interval(_relative(moved[:, k, i], start[:, i])) for k in range(moved.shape[1])],
                [interval(np.sqrt(moved[:, k, i])) for k in range(moved.shape[1])],
            )
            for i, layer in enumerate(layers)
        ],
        body=interval(body) if (~is_head & moves).any() else None,
        head=interval(head) if (is_head & moves).any() else None,
        difference=paired(head, body) if both else None,
        tasks=tasks,
        normed=[layer.name for layer in layers if layer.normed],
    )


def _relative(moved: Array, start: Array) -> Array:
    """Square roots of quotients; what starts at zero has none."""
    known = start > 0
    return np.where(known, np.sqrt(moved / np.where(known, start, 1.0)), np.nan)
