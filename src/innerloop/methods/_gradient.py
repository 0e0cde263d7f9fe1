"""The gradient family by the papers' names: each a choice of parts of `innerloop.gradient.GradientLearner`."""

from __future__ import annotations

from typing import Any

from torch import nn

from innerloop.gradient import (
    SGD,
    AnnealedOrder,
    AnnealedSteps,
    FirstOrder,
    GradientLearner,
    Implicit,
    LearnedRates,
    LSTMOptimiser,
    MetaCurvature,
    OuterGradient,
    Reptile,
    Truncated,
    Unrolled,
    select,
)
from innerloop.losses import Loss
from innerloop.methods._named import named, spec_of
from innerloop.networks import Norm, per_step_norms, with_context
from innerloop.networks._norm import Policy
from innerloop.transfer import with_new_head


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

    Source: Finn, Abbeel and Levine 2017, algorithms 1 and 2.

    >>> from innerloop.networks import mlp
    >>> maml(mlp(1, 1), inner_lr=0.01).name
    'MAML'
    """
    adjoint: OuterGradient = Unrolled(recompute) if truncate is None else Truncated(truncate)
    learner = GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=adjoint, steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm)
    arguments |= ({"recompute": True} if recompute else {}) | ({} if truncate is None else {"truncate": truncate})
    return named(learner, "maml", "MAML", spec_of(network), arguments)


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

    Source: Finn, Abbeel and Levine 2017, section 5.2.
    """
    learner = GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=FirstOrder(), steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm)
    return named(learner, "fomaml", "First-order MAML", spec_of(network), arguments)


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

    Source: Nichol, Achiam and Schulman 2018, algorithm 2.
    """
    learner = GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=Reptile(), steps=inner_steps, test_steps=test_steps,
        loss=loss, norm=norm,
    )  # fmt: skip
    return named(learner, "reptile", "Reptile", spec_of(network), _common(inner_steps, inner_lr, test_steps, norm))


def anil(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    head: str | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """ANIL (almost no inner loop): MAML in which only the head adapts.

    Args:
        network: a module with a submodule `head`, or any module with `head=` a pattern of parameter names.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        head: pattern of the head's parameters; None: `network.head`.
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Raghu et al. 2020, "Rapid learning or feature reuse?", section 4.
    """
    learner = GradientLearner(
        network, which="head", head=head, optimiser=SGD(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | ({"head": head} if head else {})
    return named(learner, "anil", "ANIL", spec_of(network), arguments)


def boil(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    head: str | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """BOIL (body only in the inner loop): MAML in which everything but the head adapts; see `anil` for the arguments.

    Source: Oh et al. 2021, "BOIL: towards representation change for few-shot learning", section 3.
    """
    learner = GradientLearner(
        network, which="body", head=head, optimiser=SGD(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | ({"head": head} if head else {})
    return named(learner, "boil", "BOIL", spec_of(network), arguments)


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
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Li et al. 2017, "Meta-SGD: learning to learn quickly for few-shot learning", algorithm 1.
    """
    learner = GradientLearner(
        network, optimiser=LearnedRates(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    return named(learner, "meta_sgd", "Meta-SGD", spec_of(network), _common(inner_steps, inner_lr, test_steps, norm))


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
        loss: inner and outer loss.
        norm: "batch" or "support".

    Source: Antoniou, Edwards and Storkey 2019, "How to train your MAML".
    """
    spec = spec_of(network)
    if any(isinstance(module, Norm) for module in network.modules()):
        per_step_norms(network, inner_steps)
    of_norms = [
        f"{name}.{own}" if name else own
        for name, module in network.named_modules()
        if isinstance(module, Norm)
        for own in ("weight", "bias")
    ]
    learner = GradientLearner(
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
    arguments = _common(inner_steps, inner_lr, test_steps, norm)
    arguments |= {"anneal_until": anneal_until, "first_order_until": first_order_until}
    return named(learner, "maml_plus_plus", "MAML++", spec, arguments)


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
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Rajeswaran et al. 2019, "Meta-learning with implicit gradients", algorithm 2; 16 steps at 0.1, λ = 2 and 5
    solver steps are its Omniglot setting.
    """
    learner = GradientLearner(
        network, optimiser=SGD(inner_lr), outer_gradient=Implicit(proximal, solver_steps), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm)
    arguments |= {"proximal": proximal, "solver_steps": solver_steps}
    return named(learner, "imaml", "iMAML", spec_of(network), arguments)


def cavia(
    network: nn.Module,
    *,
    context: int = 5,
    layer: str | None = None,
    inner_steps: int = 1,
    inner_lr: float = 1.0,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """CAVIA: a few context parameters adapt, from zero in every task; everything else is shared and meta-learned.

        c_0 = 0,   c_{k+1} = c_k - a ∇_c L(θ, c_k)

    Args:
        network: any module; one of its layers gets the context beside its input, in place.
        context: number of context parameters.
        layer: name of that layer; None: the first linear or convolutional one.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate; 1.0 is the paper's.
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Zintgraf et al. 2019, "Fast context adaptation via meta-learning", section 3; 5 context parameters in its
    regression experiments.
    """
    spec = spec_of(network)
    learner = GradientLearner(
        with_context(network, context, layer), which="context", optimiser=SGD(inner_lr), outer_gradient=Unrolled(),
        steps=inner_steps, test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | {"context": context, "layer": layer}
    return named(learner, "cavia", "CAVIA", spec, arguments)


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

    Source: Park and Oliva 2019, "Meta-Curvature", section 3.
    """
    learner = GradientLearner(
        network, optimiser=MetaCurvature(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm)
    return named(learner, "meta_curvature", "Meta-Curvature", spec_of(network), arguments)


def proto_maml(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.01,
    test_steps: int | None = None,
    first_order: bool = False,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Proto-MAML: the inner loop starts with a head made of the support set's class means, so any number of ways goes.

        w_k = 2 c_k,   b_k = -|c_k|²,   then MAML on all parameters

    Args:
        network: a network with `features` and `width`; its head is left aside.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        first_order: take the inner gradients as constants, as the paper does.
        loss: inner and outer loss; None: cross-entropy.
        norm: policy of the norm layers for query examples.

    Source: Triantafillou et al. 2020, "Meta-Dataset", section 3.
    """
    with_head = with_new_head(network, 1, copied=False)  # a place to put each task's own head into
    with_head.head.requires_grad_(False)
    learner = GradientLearner(
        with_head, start="prototypes", optimiser=SGD(inner_lr), steps=inner_steps, test_steps=test_steps,
        outer_gradient=FirstOrder() if first_order else Unrolled(), loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | {"first_order": first_order}
    return named(learner, "proto_maml", "Proto-MAML", spec_of(network), arguments)


def unicorn_maml(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.1,
    test_steps: int | None = None,
    first_order: bool = False,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """UNICORN-MAML: the head's vectors of all classes start from one and the same vector.

        w_k = w,   b_k = 0   for every class k,   then MAML on all parameters

    So the order in which a task's classes are dealt to label slots makes no difference, and any number of ways goes.
    The paper starts from pretrained features (see `innerloop.transfer.start_from`) and meta-learns `w`. Under
    cross-entropy a vector that all classes share adds the same number to all logits: it changes no probability and no
    gradient. So it stays at zero here, which gives the same learner, and is meta-learned with a loss of your own only.

    Args:
        network: a network with `features` and `width`; its head is left aside.
        inner_steps: inner steps in training; 5 to 20 in the published commands.
        inner_lr: the inner learning rate; 0.02 to 0.1 in the published commands.
        test_steps: inner steps in evaluation and use; None: as in training.
        first_order: take the inner gradients as constants, as the published code does.
        loss: inner and outer loss; None: cross-entropy.
        norm: policy of the norm layers for query examples.

    Source: Ye and Chao 2022, "How to train your MAML to excel in few-shot classification", section 5; a head of zeros:
    Kao, Chiu and Chen 2022, "MAML is a noisy contrastive learner in classification", section 3.
    """
    with_head = with_new_head(network, 1, copied=False)  # a place for the one vector, zero at first
    with_head.head.requires_grad_(False)
    if loss is not None:
        nn.init.xavier_uniform_(with_head.get_parameter("head.weight").requires_grad_())
    learner = GradientLearner(
        with_head, start="shared", optimiser=SGD(inner_lr), steps=inner_steps, test_steps=test_steps,
        outer_gradient=FirstOrder() if first_order else Unrolled(), loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | {"first_order": first_order}
    return named(learner, "unicorn_maml", "UNICORN-MAML", spec_of(network), arguments)


def lora_maml(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.1,
    test_steps: int | None = None,
    first_order: bool = False,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """LoRA-MAML: MAML on the low-rank adapters of a frozen pretrained network.

        W = W_0 + s B A,   (A, B) adapt and are meta-learned, W_0 stays

    Args:
        network: a module with adapters whose parameter names contain `lora_`, as `peft.get_peft_model` makes them
            (extra `peft`).
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        first_order: take the inner gradients as constants.
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Hu et al. 2022, "LoRA: low-rank adaptation of large language models"; Finn, Abbeel and Levine 2017.
    """
    learner = GradientLearner(
        network, which="lora", optimiser=SGD(inner_lr), outer_gradient=FirstOrder() if first_order else Unrolled(),
        steps=inner_steps, test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    # no spec: the pretrained network is not one that this library can build again
    return named(learner, "lora_maml", "LoRA-MAML", None, {})


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
        inner_lr: where the input gate starts.
        test_steps: inner steps in evaluation and use; None: as in training.
        hidden: size of a coordinate's hidden state.
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Ravi and Larochelle 2017, "Optimization as a model for few-shot learning", algorithm 1.
    """
    learner = GradientLearner(
        network, optimiser=LSTMOptimiser(hidden, inner_lr), outer_gradient=FirstOrder(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = _common(inner_steps, inner_lr, test_steps, norm) | {"hidden": hidden}
    return named(learner, "lstm", "LSTM meta-learner", spec_of(network), arguments)


def _common(inner_steps: int, inner_lr: float, test_steps: int | None, norm: Policy) -> dict[str, Any]:
    return {"inner_steps": inner_steps, "inner_lr": inner_lr, "test_steps": test_steps, "norm": norm}
