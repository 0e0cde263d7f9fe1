"""Members of the gradient family that make the head of every task anew, so that any number of ways goes."""

from __future__ import annotations

from torch import nn

from innerloop.gradient import SGD, FirstOrder, GradientLearner, Unrolled
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.networks import Policy
from innerloop.transfer import with_new_head


@named("Proto-MAML")
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

    Raises:
        ConfigurationError: if the network has no `features` and `width`, or for settings that cannot work.

    Source: Triantafillou et al. 2020, "Meta-Dataset", section 3.

    >>> from innerloop.networks import mlp
    >>> proto_maml(mlp(2, None, [4])).adapted_names
    ['features.1.weight', 'features.1.bias', 'head.weight', 'head.bias']
    """
    with_head = with_new_head(network, 1, copied=False)  # a place to put each task's own head into
    with_head.head.requires_grad_(False)
    return GradientLearner(
        with_head, start="prototypes", optimiser=SGD(inner_lr), steps=inner_steps, test_steps=test_steps,
        outer_gradient=FirstOrder() if first_order else Unrolled(), loss=loss, norm=norm,
    )  # fmt: skip


@named("UNICORN-MAML")
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

    Raises:
        ConfigurationError: if the network has no `features` and `width`, or for settings that cannot work.

    Source: Ye and Chao 2022, "How to train your MAML to excel in few-shot classification", section 5; a head of zeros:
    Kao, Chiu and Chen 2022, "MAML is a noisy contrastive learner in classification", section 3.

    >>> from innerloop.networks import mlp
    >>> bool(unicorn_maml(mlp(2, None)).network.head.weight.any())
    False
    """
    with_head = with_new_head(network, 1, copied=False)  # a place for the one vector, zero at first
    with_head.head.requires_grad_(False)
    if loss is not None:
        nn.init.xavier_uniform_(with_head.get_parameter("head.weight").requires_grad_())
    return GradientLearner(
        with_head, start="shared", optimiser=SGD(inner_lr), steps=inner_steps, test_steps=test_steps,
        outer_gradient=FirstOrder() if first_order else Unrolled(), loss=loss, norm=norm,
    )  # fmt: skip
