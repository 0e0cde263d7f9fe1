"""Members of the gradient family whose inner optimiser is itself learned."""

from __future__ import annotations

from torch import nn

from innerloop.gradient import (
    AnnealedOrder,
    AnnealedSteps,
    FirstOrder,
    GradientLearner,
    LearnedRates,
    LSTMOptimiser,
    MetaCurvature,
    Unrolled,
    select,
)
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.networks import Norm, Policy, per_step_norms


@named("Meta-SGD")
def meta_sgd(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Meta-SGD: MAML with a meta-learned rate for every single parameter, which may become negative.

        p = θ - a ∘ ∇L(θ),   (θ, a) meta-learned

    Args:
        network: any module.
        inner_steps: inner steps in training; the paper takes one.
        inner_lr: where all rates start; the paper draws them from [0.005, 0.1].
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Li et al. 2017, "Meta-SGD: learning to learn quickly for few-shot learning", algorithm 1.

    >>> from innerloop.networks import mlp
    >>> meta_sgd(mlp(1, 1), inner_lr=0.5).optimiser.rates["head/bias"].tolist()
    [0.5]
    """
    return GradientLearner(
        network, optimiser=LearnedRates(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip


@named("MAML++")
def maml_plus_plus(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.1,
    test_steps: int | None = None,
    anneal_until: int = 5_000,
    first_order_until: int = 0,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """MAML++: learned rates per layer and step, norm weights per step, and a multi-step loss that is annealed.

        L = Σ_k w_k(t) L_query(p_k),   p_{k+1} = p_k - a_{layer,k} g_k

    Norm weights do not adapt; they are meta-learned for each step. The published code reports an ensemble of five
    checkpoints; there is none here.

    Args:
        network: any module; its `Norm` layers get weights for each step, in place.
        inner_steps: inner steps in training.
        inner_lr: where all rates start.
        test_steps: inner steps in evaluation and use; None: as in training. Later steps use the last step's rates.
        anneal_until: outer steps until the last inner step alone counts; ten epochs of 500 in the published code.
        first_order_until: outer steps of first-order gradients at the beginning (50 epochs in the paper, none in the
            published configuration).
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: "batch" or "support".

    Raises:
        ConfigurationError: for settings that cannot work, norm="running" with norm layers among them.

    Source: Antoniou, Edwards and Storkey 2019, "How to train your MAML".

    >>> from innerloop.networks import mlp
    >>> maml_plus_plus(mlp(1, 1), inner_steps=2, inner_lr=0.5).optimiser.rates["head/bias"].tolist()
    [0.5, 0.5]
    """
    if any(isinstance(module, Norm) for module in network.modules()):
        per_step_norms(network, inner_steps)
    of_norms = [
        f"{name}.{own}" if name else own
        for name, module in network.named_modules()
        if isinstance(module, Norm)
        for own in ("weight", "bias")
    ]
    return GradientLearner(
        network,
        which=[name for name in select(network, "all") if name not in of_norms],
        optimiser=LearnedRates(inner_lr, per="tensor", steps=inner_steps),
        outer_gradient=AnnealedOrder(first_order_until) if first_order_until else Unrolled(),
        outer_loss=AnnealedSteps(anneal_until),
        steps=inner_steps,
        test_steps=test_steps,
        loss=loss,
        norm=norm,
    )


@named("Meta-Curvature")
def meta_curvature(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Meta-Curvature: MAML whose gradients are multiplied by meta-learned matrices; see `MetaCurvature`.

        p = θ - a M(∇L(θ)),   (θ, M) meta-learned

    Args:
        network: any module.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Park and Oliva 2019, "Meta-Curvature", section 3.

    >>> from innerloop.networks import mlp
    >>> meta_curvature(mlp(1, 1)).name
    'Meta-Curvature'
    """
    return GradientLearner(
        network, optimiser=MetaCurvature(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip


@named("LSTM meta-learner")
def lstm(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.01,
    test_steps: int | None = None,
    hidden: int = 20,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """The LSTM meta-learner: an LSTM whose cell are the parameters takes the inner steps; see `LSTMOptimiser`.

        p_t = f_t p_{t-1} - i_t ∇L(p_{t-1}),   the gates (f, i), the start and the LSTM meta-learned

    Args:
        network: any module.
        inner_steps: inner steps in training; 12 in the paper for one shot, 5 for five.
        inner_lr: where the input gate starts, between 0 and 1.
        test_steps: inner steps in evaluation and use; None: as in training.
        hidden: size of a coordinate's hidden state.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow the policy.

    Source: Ravi and Larochelle 2017, "Optimization as a model for few-shot learning", algorithm 1.

    >>> from innerloop.networks import mlp
    >>> lstm(mlp(1, 1), hidden=8).optimiser.hidden
    8
    """
    return GradientLearner(
        network, optimiser=LSTMOptimiser(hidden, inner_lr), outer_gradient=FirstOrder(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
