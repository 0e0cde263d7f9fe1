"""Choice 3 of the gradient family: how the outer gradient passes the inner loop (its adjoint).

With inner steps `p_k = p_{k-1} - a g(p_{k-1})` from `p_0 = θ`, the outer gradient is `∇_θ L_query(p_K(θ))`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError

Parameters = dict[str, Tensor]
ScalarOf = Callable[[Parameters], Tensor]


@dataclass(frozen=True)
class InnerLoop:
    """What an outer gradient may ask of an inner loop that has ended.

    Attributes:
        start: the meta-parameters that adapted, by name.
        end: their values after the last step.
        loss: `()` the query loss that was computed there.
        query_loss: the query loss as a function of the adapted parameters.
        support_loss: the support loss as a function of the adapted parameters.
        others: whether further parameters are trained, which do not adapt.
    """

    start: Parameters
    end: Parameters
    loss: Tensor
    query_loss: ScalarOf
    support_loss: ScalarOf
    others: bool


@dataclass(frozen=True)
class OuterGradient(ABC):
    """How the outer gradient passes the inner loop."""

    uses_query_gradient = True
    """Whether the query loss is differentiated at all."""
    uses_path = True
    """Whether the inner loop's own graph is used; if not, it is cut off at its end."""
    recompute = False
    """Whether inner steps are computed again in the backward pass, to save memory."""
    stride = 1
    """One state in so many steps is kept, where inner steps are computed again."""
    proximal = 0.0
    """Weight λ of `λ/2 |p - θ|²` in the inner loss, in training."""

    def at(self, outer_step: int) -> OuterGradient:
        """The outer gradient to use in an outer step; another one while something is annealed."""
        return self

    def keeps_graph(self, step: int, steps: int) -> bool:
        """Whether the gradient of inner step `step` of `steps` keeps its graph (second order)."""
        return False

    @abstractmethod
    def surrogate(self, loop: InnerLoop) -> Tensor:
        """A scalar whose gradient with respect to the meta-parameters is the meta-gradient."""


@dataclass(frozen=True)
class Unrolled(OuterGradient):
    """Through every inner step, second derivatives included: MAML.

        ∇_θ L(p_K) = Π_k (I - a H(p_k)) ∇L(p_K)

    Args:
        recompute: compute each inner step a second time in the backward pass, so that memory does not grow with
            what a step needs; tasks are then taken one by one.
        stride: with `recompute`, one state in so many steps is kept, and those between are computed again from it:
            every step three times in all instead of twice. For K steps `stride` near √K keeps the fewest states, 2 √K.

    Raises:
        ConfigurationError: if a stride is given without `recompute`.

    Source: Finn, Abbeel and Levine 2017, equation 1; recomputation: Chen et al. 2016, "Training deep nets with
    sublinear memory cost", section 4.1 for the stride.
    """

    recompute: bool = False
    stride: int = 1

    def __post_init__(self) -> None:
        if at_least("stride=", self.stride, 1) > 1 and not self.recompute:
            raise ConfigurationError(f"stride={self.stride} is a setting of recompute=True; give both.")

    def keeps_graph(self, step: int, steps: int) -> bool:
        """Always."""
        return True

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """The query loss itself."""
        return loop.loss


@dataclass(frozen=True)
class FirstOrder(OuterGradient):
    """Inner gradients as constants, so that `dp_K/dθ = I`: first-order MAML.

    Source: Finn, Abbeel and Levine 2017, section 5.2; Nichol, Achiam and Schulman 2018.
    """

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """The query loss; its graph reaches θ through the starting point only."""
        return loop.loss


@dataclass(frozen=True)
class Truncated(OuterGradient):
    """Second derivatives through the last steps only; earlier inner gradients are constants.

        dp_K/dθ ≈ Π_{k > K - last} (I - a H(p_k))

    `last=0` is first-order MAML and `last` at or above the number of steps is MAML.

    Args:
        last: number of steps at the end that keep their graph.

    Source: Shaban et al. 2019, "Truncated back-propagation for bilevel optimization", section 3, for a starting
    point: what lies before the cut counts as a shift of θ.
    """

    last: int = 1

    def __post_init__(self) -> None:
        at_least("last=", self.last, 0)

    def keeps_graph(self, step: int, steps: int) -> bool:
        """In the last steps."""
        return step >= steps - self.last

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """The query loss."""
        return loop.loss


@dataclass(frozen=True)
class AnnealedOrder(OuterGradient):
    """First order at the beginning of meta-training, then second order.

    Args:
        until: outer steps of first order.

    Source: Antoniou, Edwards and Storkey 2019, section 4, "derivative-order annealing" (there 50 of 100 epochs).

    >>> AnnealedOrder(until=100).at(99), AnnealedOrder(until=100).at(100).keeps_graph(0, 1)
    (FirstOrder(), True)
    """

    until: int = 0

    def __post_init__(self) -> None:
        at_least("until=", self.until, 0)

    def at(self, outer_step: int) -> OuterGradient:
        """`FirstOrder` before `until`, `Unrolled` from there on."""
        return FirstOrder() if outer_step < self.until else Unrolled()

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """The query loss."""
        return loop.loss


@dataclass(frozen=True)
class Reptile(OuterGradient):
    """The way that the inner loop went, backwards: the gradient is `θ - p_K`. The query set only measures.

    Source: Nichol, Achiam and Schulman 2018, "On first-order meta-learning algorithms", algorithm 2.
    """

    uses_query_gradient = False

    def surrogate(self, loop: InnerLoop) -> Tensor:
        """`Σ <θ, θ - p_K>` with the second factor constant."""
        moved = {n: (p - loop.end[n]).detach() for n, p in loop.start.items()}
        return sum(((p * moved[n]).sum() for n, p in loop.start.items()), loop.loss.new_zeros(()))
