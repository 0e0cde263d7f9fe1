"""Members of the gradient family that differ in which parameters adapt."""

from __future__ import annotations

from torch import nn

from innerloop.gradient import SGD, FirstOrder, GradientLearner, Unrolled
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.networks import Policy, with_context


@named("ANIL", optional=("head",))
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

        h_{k+1} = h_k - a ∇_h L(θ, h_k),   (θ, h_0) meta-learned

    Args:
        network: a module with a submodule `head`, or any module with `head=` a pattern of parameter names.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        head: pattern of the head's parameters; None: `network.head`.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: if there is no head to speak of, or for settings that cannot work.

    Source: Raghu et al. 2020, "Rapid learning or feature reuse?", section 4.

    >>> from innerloop.networks import mlp
    >>> anil(mlp(1, 1)).adapted_names
    ['head.weight', 'head.bias']
    """
    return GradientLearner(
        network, which="head", head=head, optimiser=SGD(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip


@named("BOIL", optional=("head",))
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
    """BOIL (body only in the inner loop): MAML in which everything but the head adapts.

        f_{k+1} = f_k - a ∇_f L(f_k, h),   (f_0, h) meta-learned

    Args:
        network: a module with a submodule `head`, or any module with `head=` a pattern of parameter names.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        head: pattern of the head's parameters; None: `network.head`.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: if there is no head to speak of, or for settings that cannot work.

    Source: Oh et al. 2021, "BOIL: towards representation change for few-shot learning", section 3.

    >>> from innerloop.networks import mlp
    >>> boil(mlp(1, 1, [4])).adapted_names
    ['features.1.weight', 'features.1.bias']
    """
    return GradientLearner(
        network, which="body", head=head, optimiser=SGD(inner_lr), outer_gradient=Unrolled(), steps=inner_steps,
        test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip


@named("CAVIA")
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
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: if there is no such layer, or for settings that cannot work.

    Source: Zintgraf et al. 2019, "Fast context adaptation via meta-learning", section 3; 5 context parameters in its
    regression experiments.

    >>> from innerloop.networks import mlp
    >>> cavia(mlp(1, 1)).adapted_names
    ['features.1.context']
    """
    return GradientLearner(
        with_context(network, context, layer), which="context", optimiser=SGD(inner_lr), outer_gradient=Unrolled(),
        steps=inner_steps, test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip


@named("LoRA-MAML", portable=False)  # the pretrained network is not one that this library can build again
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
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples.

    Raises:
        ConfigurationError: if there are no trainable adapters, or for settings that cannot work.

    Source: Hu et al. 2022, "LoRA: low-rank adaptation of large language models"; Finn, Abbeel and Levine 2017.

    >>> from innerloop.networks import mlp
    >>> network = mlp(1, 1).requires_grad_(False)
    >>> network.head.register_parameter("lora_A", nn.Parameter(network.head.weight.detach()))
    >>> lora_maml(network).adapted_names
    ['head.lora_A']
    """
    return GradientLearner(
        network, which="lora", optimiser=SGD(inner_lr), outer_gradient=FirstOrder() if first_order else Unrolled(),
        steps=inner_steps, test_steps=test_steps, loss=loss, norm=norm,
    )  # fmt: skip
