"""What one would do with a network that is trained already, or with none, by name: the rivals of every table."""

from __future__ import annotations

import copy

from torch import nn

from innerloop.gradient import Adam, FirstOrder, GradientLearner, HeadFirst, InnerOptimiser
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.methods._pretraining import fitted_cosine_head
from innerloop.metric import Prototypes, Ridge
from innerloop.networks import Policy
from innerloop.transfer import LinearProbe, with_cosine_head, with_new_head, without_head


@named("Pretrained + linear head", optional=("ways",), built=True)
def linear_head(
    pretrained: nn.Module,
    ways: int | None = None,
    *,
    inner_steps: int = 100,
    inner_lr: float = 0.01,
    loss: Loss | None = None,
) -> GradientLearner:
    """A linear classifier on frozen pretrained features, fitted to the support set by Adam from zero.

        min_{W, b} L_support(W f(x) + b)

    Args:
        pretrained: a network with `features` and `width`, pretrained.
        ways: classes of a task; None: the pretrained head is gone on from, as in regression, where an output means
            the same in every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.

    Raises:
        ConfigurationError: if the network has no `features` and `width`, or for settings that cannot work.

    Source: Chen et al. 2019, section 3 (Baseline).

    >>> from innerloop.networks import mlp
    >>> linear_head(mlp(2, 64), ways=5).network.head
    Linear(in_features=40, out_features=5, bias=True)
    """
    network = copy.deepcopy(pretrained) if ways is None else with_new_head(pretrained, ways)
    return _tuned(network, "head", Adam(inner_lr), inner_steps, loss)


@named("Pretrained + logistic regression", built=True)
def linear_probe(pretrained: nn.Module, *, penalty: float = 1.0, normalise: bool = True) -> LinearProbe:
    """Logistic regression on frozen pretrained features, fitted to the support set to convergence.

        min_{W, b}  Σ_i -log softmax(W z_i + b)[y_i] + penalty/2 |W|²,   z_i = f(x_i) / |f(x_i)|

    Unlike `linear_head` there are no steps to choose, and any number of ways goes.

    Args:
        pretrained: a network with `features` and `width`, or any embedding; it is copied.
        penalty: choose it on validation tasks, for instance with `innerloop.evaluation.select`.
        normalise: scale the features of an example to length 1.

    Raises:
        ConfigurationError: if the penalty is not positive: separable classes have no minimum without one.

    Source: Tian et al. 2020, "Rethinking few-shot image classification", section 3.2.

    >>> from innerloop.networks import mlp
    >>> linear_probe(mlp(2, 64)).network.head
    Identity()
    """
    network = without_head(pretrained).requires_grad_(False)
    return LinearProbe(network, penalty=penalty, normalise=normalise).eval()


@named("Pretrained + cosine head")
def cosine_head(
    pretrained: nn.Module, *, inner_steps: int = 100, inner_lr: float = 0.01, scale: float = 10.0
) -> GradientLearner:
    """A cosine classifier on frozen pretrained features, fitted to the support set by Adam from the class means.

        logits_k = s cos(f(x), w_k),   w_k from the class mean of f(x_i) by Adam

    Args:
        pretrained: a network with `features` and `width`, pretrained; `baseline_plus_plus` pretrains it for this.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        scale: of the similarities.

    Raises:
        ConfigurationError: if the network has no `features` and `width`, or for settings that cannot work.

    Source: Chen et al. 2019, section 3 (Baseline++); see `baseline_plus_plus` for what is different.

    >>> from innerloop.networks import mlp
    >>> cosine_head(mlp(2, 64)).adapted_names
    ['head.weight']
    """
    network = with_cosine_head(pretrained, 1, scale)
    return fitted_cosine_head(network, inner_steps, inner_lr, scale).eval()


@named("Pretrained + fine-tuned", optional=("ways", "head_steps"), built=True)
def fine_tune(
    pretrained: nn.Module,
    ways: int | None = None,
    *,
    inner_steps: int = 50,
    inner_lr: float = 0.001,
    head_steps: int = 0,
    loss: Loss | None = None,
) -> GradientLearner:
    """All of a pretrained network, with a new head for new classes, fine-tuned on the support set by Adam.

        min_{θ, h} L_support(h(f_θ(x))),   θ from pretraining

    Args:
        pretrained: a pretrained network; for a new head, one with `features` and `width`.
        ways: classes of a task; None: the pretrained head is gone on from, as in regression, where an output means
            the same in every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        head_steps: so many of the steps at the beginning move the head alone (see `innerloop.gradient.HeadFirst`).
        loss: None: cross-entropy for classes, squared error otherwise.

    Raises:
        ConfigurationError: if the network has no `features` and `width`, or for settings that cannot work.

    Source: head first: Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
    out-of-distribution", section 3.4.

    >>> from innerloop.networks import mlp
    >>> fine_tune(mlp(2, 64), ways=5).network.head
    Linear(in_features=40, out_features=5, bias=True)
    """
    network = copy.deepcopy(pretrained) if ways is None else with_new_head(pretrained, ways)
    optimiser = HeadFirst(Adam(inner_lr), head_steps) if head_steps else Adam(inner_lr)
    return _tuned(network, "all", optimiser, inner_steps, loss)


@named("From scratch")
def from_scratch(
    network: nn.Module, *, inner_steps: int = 50, inner_lr: float = 0.001, loss: Loss | None = None
) -> GradientLearner:
    """A network with random weights, trained on the support set alone by Adam.

        min_θ L_support(θ),   θ random

    Args:
        network: any module; its weights are the random start of every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.

    Raises:
        ConfigurationError: for settings that cannot work, or norm layers that cannot follow norm="support".

    >>> from innerloop.networks import mlp
    >>> from_scratch(mlp(1, 1), inner_steps=10).steps
    10
    """
    return _tuned(network, "all", Adam(inner_lr), inner_steps, loss, "support")


@named("Nearest mean", bare="Nearest mean on raw inputs")
def nearest_mean(network: nn.Module | None = None) -> Prototypes:
    """The nearest class mean by cosine similarity: on raw inputs, or on the features of a frozen network.

        c_k = mean_{y_i = k} f(x_i),   logits_k = s cos(f(x), c_k)

    Args:
        network: an embedding that stays as it is; None: the inputs themselves.

    >>> nearest_mean().name
    'Nearest mean on raw inputs'
    """
    # a copy: freezing the caller's own network would stop whoever else trains it
    embedding = nn.Flatten() if network is None else copy.deepcopy(network).requires_grad_(False)
    learner = Prototypes(embedding, distance="cosine", norm="running").eval()
    learner.family = "transfer"
    return learner


@named("Ridge on raw inputs")
def raw_ridge(*, penalty: float = 1.0) -> Ridge:
    """Ridge regression on the inputs themselves, solved in every task: no network and no training.

        w = argmin |X w - Y|² + λ |w|²,   X with a column of ones, Y one-hot labels or targets

    Args:
        penalty: λ; choose it on validation tasks.

    Raises:
        ConfigurationError: if the penalty is not positive.

    Source: Hoerl and Kennard 1970.

    >>> raw_ridge(penalty=0.5).name
    'Ridge on raw inputs'
    """
    learner = Ridge(nn.Flatten(), strength=penalty).requires_grad_(False).eval()
    learner.family = "transfer"
    return learner


def _tuned(
    network: nn.Module, which: str, optimiser: InnerOptimiser, steps: int, loss: Loss | None, norm: Policy = "running"
) -> GradientLearner:
    learner = GradientLearner(
        network, which=which, optimiser=optimiser, outer_gradient=FirstOrder(), steps=steps, loss=loss, norm=norm
    )
    learner.family = "transfer"
    return learner.eval()
