"""MAML and its relatives, which differ in how the outer gradient passes the inner loop."""

from __future__ import annotations

from torch import nn

from innerloop.gradient import (
    SGD,
    FirstOrder,
    GradientLearner,
    Implicit,
    OuterGradient,
    Reptile,
    Truncated,
    Unrolled,
)
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.networks import Policy


@named("MAML", optional=("recompute", "truncate"))
def maml(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    recompute: bool = False,
    truncate: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """MAML: all parameters adapt, and the outer gradient passes through every inner step.

        θ <- θ - b ∇_θ Σ_i L_i(θ - a ∇_θ L_i(θ))

    Args:
        network: any module.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate `a`; 0.4 is the paper's on Omniglot, 0.01 on sinusoids and miniImageNet.
        test_steps: inner steps in evaluation and use; None: as in training.
        recompute: compute inner steps again in the backward pass: more time, memory that hardly grows with steps.
        truncate: second derivatives through this many of the last steps only; None: through all.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples; the published numbers use "batch".

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Finn, Abbeel and Levine 2017, algorithms 1 and 2.

    >>> from innerloop.networks import mlp
    >>> maml(mlp(1, 1), inner_lr=0.01).name
    'MAML'
    """
    adjoint: OuterGradient = Unrolled(recompute) if truncate is None else Truncated(truncate)
    return GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=adjoint, steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip


@named("First-order MAML")
def fomaml(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """First-order MAML: as `maml`, with the inner gradients taken as constants.

        θ <- θ - b Σ_i ∇L_i(p_K,i)

    Args:
        network: any module.
        inner_steps: inner steps in training, K.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Finn, Abbeel and Levine 2017, section 5.2.

    >>> from innerloop.networks import mlp
    >>> fomaml(mlp(1, 1)).outer_gradient
    FirstOrder()
    """
    return GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=FirstOrder(), steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip


@named("Reptile")
def reptile(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.01,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Reptile: move towards where the inner loop ended; the query set only measures.

        θ <- θ + b mean_i (p_K,i - θ)

    The paper trains with more shots than it tests with: `source.train.with_(shots=15)`.

    Args:
        network: any module; all that is trained adapts.
        inner_steps: inner steps in training, K.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner loss, and what measures; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Nichol, Achiam and Schulman 2018, algorithm 2.

    >>> from innerloop.networks import mlp
    >>> reptile(mlp(1, 1)).outer_gradient
    Reptile()
    """
    return GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=Reptile(), steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip


@named("iMAML")
def imaml(
    network: nn.Module,
    *,
    inner_steps: int = 16,
    inner_lr: float = 0.1,
    test_steps: int | None = None,
    proximal: float = 2.0,
    solver_steps: int = 5,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Implicit MAML: the outer gradient from the optimality condition of a regularised inner problem.

        φ = argmin_p L(p) + λ/2 |p - θ|²,   dL_query/dθ = λ (H + λ I)^-1 ∇L_query(φ)

    The proximal term is there in training only, as in the published code.

    Args:
        network: any module.
        inner_steps: inner steps in training; enough of them to come near the minimum.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        proximal: the weight λ.
        solver_steps: steps of conjugate gradients.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Rajeswaran et al. 2019, "Meta-learning with implicit gradients", algorithm 2; 16 steps at 0.1, λ = 2 and 5
    solver steps are its Omniglot setting.

    >>> from innerloop.networks import mlp
    >>> imaml(mlp(1, 1), proximal=1.0).outer_gradient
    Implicit(proximal=1.0, solver_steps=5)
    """
    return GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=Implicit(proximal, solver_steps), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
