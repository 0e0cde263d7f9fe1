"""What a task asks for, classes or numbers: how a learner is shown targets, and what becomes of its outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError
from innerloop.losses import Gaussian, Loss, gaussian_nll
from innerloop.task import Examples
from innerloop.ways import cut_to_ways


@dataclass(frozen=True)
class Targets:
    """Classes (`ways` is a number) or numbers (`ways` is None).

    A class label is shown as a row with a one at its slot, numbers as they are. So one linear map of what is shown is
    a learned embedding for every slot, and a linear map of the numbers.

    Args:
        ways: label slots, the most classes that a task may have; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        gaussian: predict numbers by a mean and a variance.
        floor: smallest standard deviation.

    >>> Targets(ways=3).encode(Examples(torch.zeros(2), torch.tensor([2, 0]), ways=3), torch.float32)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """

    ways: int | None = None
    outputs: int = 1
    gaussian: bool = False
    floor: float = 0.01

    def __post_init__(self) -> None:
        if (self.ways is not None and self.ways < 2) or self.outputs < 1:
            raise ConfigurationError(
                f"Targets are ways= of at least 2 classes, or outputs= of at least 1 number; got ways={self.ways} and "
                f"outputs={self.outputs}."
            )
        if not 0 < self.floor < 1:
            raise ConfigurationError(f"The smallest standard deviation lies between 0 and 1; got {self.floor}.")

    @property
    def size(self) -> int:
        """Numbers that show a target."""
        return self.outputs if self.ways is None else self.ways

    @property
    def head(self) -> int:
        """Numbers that a prediction is made of."""
        return 2 * self.size if self.ways is None and self.gaussian else self.size

    @property
    def loss(self) -> Loss | None:
        """The outer loss that goes with the predictions; None: the learner's usual one."""
        return gaussian_nll if self.ways is None and self.gaussian else None

    def encode(self, examples: Examples, kind: torch.dtype) -> Tensor:
        """Targets as they are shown, `(N, size)`.

        Raises:
            DataError: for a task of the other kind, with more classes than slots or with other numbers than expected.
        """
        self._demand(examples)
        if self.ways is not None:
            # not F.one_hot, which looks at the labels' values: a step that is captured as a graph cannot
            slots = torch.arange(self.ways, device=examples.y.device)
            shown: Tensor = (examples.y[:, None] == slots).to(kind)
            return shown
        shown = examples.y.reshape(len(examples), -1).to(kind)
        return shown

    def decode(self, raw: Tensor, ways: int | None) -> Any:
        """The prediction made of outputs `(N, head)`: logits, numbers, or means and variances.

        Deviations are `floor + (1 - floor) softplus(s)`.
        """
        if self.ways is not None:
            return cut_to_ways(raw, ways)
        if not self.gaussian:
            return raw
        mean, spread = raw.chunk(2, dim=-1)
        return Gaussian(mean, (self.floor + (1 - self.floor) * F.softplus(spread)).square())

    def _demand(self, examples: Examples) -> None:
        if not isinstance(examples.y, Tensor):
            raise DataError(f"Targets must be one tensor; got {type(examples.y).__name__}. Stack them to (N, outputs).")
        if (self.ways is None) != (examples.ways is None):
            built, came = (("numbers" if ways is None else f"{ways} classes") for ways in (self.ways, examples.ways))
            raise DataError(
                f"This learner was built for {built}, and the task has {came}. Build it with "
                f"{'outputs=...' if examples.ways is None else f'ways={examples.ways}'}."
            )
        if self.ways is not None and examples.ways is not None and examples.ways > self.ways:
            raise DataError(
                f"A {examples.ways}-way task needs {examples.ways} label slots; this learner has {self.ways}. Build it "
                f"with ways={examples.ways}, or use a learner without slots (innerloop.methods.prototypes)."
            )
        if self.ways is None and (width := math.prod(examples.y.shape[1:])) != self.outputs:
            raise DataError(
                f"A target of this learner is {self.outputs} numbers; got {width}, from targets of shape "
                f"{tuple(examples.y.shape)}. Build it with outputs={width}."
            )
