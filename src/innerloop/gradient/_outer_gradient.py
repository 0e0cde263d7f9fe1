"""Choice 3 of the gradient family: how the outer gradient passes the inner loop (its adjoint).

With inner steps `p_k = p_{k-1} - a g(p_{k-1})` from `p_0 = θ`, the outer gradient is `∇_θ L_query(p_K(θ))`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class OuterGradient(ABC):
    """How the outer gradient passes the inner loop."""

    differentiable = False
    """Whether inner gradients keep their graph."""
    uses_query_gradient = True
    """Whether the query loss is differentiated at all."""

    @abstractmethod
    def surrogate(self, start: Parameters, end: Parameters, query_loss: Tensor) -> Tensor:
        """A scalar whose gradient with respect to the meta-parameters is the meta-gradient."""


@dataclass(frozen=True)
class Unrolled(OuterGradient):
    """Through every inner step, second derivatives included: MAML.

        ∇_θ L(p_K) = Π_k (I - a H(p_k)) ∇L(p_K)

    Source: Finn, Abbeel and Levine 2017, equation 1.
    """

    differentiable = True

    def surrogate(self, start: Parameters, end: Parameters, query_loss: Tensor) -> Tensor:
        """The query loss itself."""
        return query_loss


@dataclass(frozen=True)
class FirstOrder(OuterGradient):
    """Inner gradients as constants, so that `dp_K/dθ = I`: first-order MAML.

    Source: Finn, Abbeel and Levine 2017, section 5.2; Nichol, Achiam and Schulman 2018.
    """

    def surrogate(self, start: Parameters, end: Parameters, query_loss: Tensor) -> Tensor:
        """The query loss; its graph reaches θ through the starting point only."""
        return query_loss


@dataclass(frozen=True)
class Reptile(OuterGradient):
    """The way that the inner loop went, backwards: the gradient is `θ - p_K`. The query set only measures.

    Source: Nichol, Achiam and Schulman 2018, "On first-order meta-learning algorithms", algorithm 2.
    """

    uses_query_gradient = False

    def surrogate(self, start: Parameters, end: Parameters, query_loss: Tensor) -> Tensor:
        """`Σ <θ, θ - p_K>` with the second factor constant."""
        return sum(((start[n] * (start[n] - end[n]).detach()).sum() for n in start), query_loss.new_zeros(()))
