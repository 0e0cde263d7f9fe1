"""What one would do without meta-learning, by name: the rivals of every table."""

from __future__ import annotations

import copy

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.gradient import Adam, FirstOrder, GradientLearner, HeadFirst, InnerOptimiser
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.metric import Prototypes, Ridge
from innerloop.networks import Backbone, CosineHead, Policy
from innerloop.transfer import (
    Joint,
    LinearProbe,
    Pretraining,
    SimpleShot,
    with_cosine_head,
    with_new_head,
    without_head,
)


@named("Pretrained + nearest mean")
def pretraining(classifier: nn.Module, *, smoothing: float = 0.1) -> Pretraining:
    """Ordinary classification of all training classes, then the nearest mean of the frozen features.

        c_k = mean_{y_i = k} f(x_i),   logits_k = s cos(f(x), c_k),   f from  min_{f, W} CE(W f(x), class)

    Args:
        classifier: a network with `features` and `head`, the head with one output per training class.
        smoothing: label smoothing of the classification loss.

    Raises:
        ConfigurationError: if the network has no `features`.

    Source: Chen et al. 2019; Wang et al. 2019. Smoothing 0.1: Szegedy et al. 2016, section 7.

    >>> from innerloop.networks import mlp
    >>> pretraining(mlp(2, 64)).name
    'Pretrained + nearest mean'
    """
    return Pretraining(classifier, smoothing=smoothing)


@named("SimpleShot")
def simple_shot(classifier: nn.Module, *, smoothing: float = 0.1) -> SimpleShot:
    """Ordinary classification of all training classes, then the nearest mean of centred, normalised features.

        z = (f(x) - f̄) / |f(x) - f̄|,   c_k = mean_{y_i = k} z_i,   logits_k = -s |z - c_k|²

    Training keeps a running average of the centre f̄; for a network that is trained already, call
    `simple_shot(network).centre_on(source.train)`.

    Args:
        classifier: a network with `features`, `head` and `width`, the head with one output per training class.
        smoothing: label smoothing of the classification loss, as for `pretraining`.

    Raises:
        ConfigurationError: if the network has no `features` and `width`.

    Source: Wang et al. 2019 (CL2N).

    >>> from innerloop.networks import mlp
    >>> simple_shot(mlp(2, 64)).name
    'SimpleShot'
    """
    return SimpleShot(classifier, smoothing=smoothing)


@named("Baseline++")
def baseline_plus_plus(
    classifier: nn.Module, *, inner_steps: int = 100, inner_lr: float = 0.01, scale: float = 10.0
) -> Pretraining:
    """Baseline++: a cosine classifier of all training classes, then a cosine head fitted to each support set.

        logits_k = s cos(f(x), w_k)

    Args:
        classifier: a network with `features`, `width` and a linear head with one output per training class; a cosine
            classifier takes the head's place.
        inner_steps: steps that fit the new head; 100 in the paper.
        inner_lr: their rate; choose it on validation tasks with `cosine_head`.
        scale: of the similarities.

    Raises:
        ConfigurationError: if the classifier has no linear head, or for settings that cannot work.

    Source: Chen et al. 2019, "A closer look at few-shot classification", section 3. Different here: the new head is
    fitted by Adam to the whole support set and starts from the class means, where the paper takes stochastic gradient
    descent with batches of 4 from random weights.

    >>> from innerloop.networks import mlp
    >>> baseline_plus_plus(mlp(2, 64), scale=5.0).network.head
    CosineHead(width=40, outputs=64, scale=5.0)
    """
    head = getattr(classifier, "head", None)
    if not isinstance(head, nn.Linear):
        raise ConfigurationError(
            f"baseline_plus_plus needs a classifier with a linear head, to know how many classes there are; got "
            f"{type(classifier).__name__} with head {type(head).__name__}."
        )
    network = with_cosine_head(classifier, head.out_features, scale, copied=False)
    on_tasks = _cosine_head(network, inner_steps, inner_lr, scale)
    return Pretraining(network, smoothing=0.0, on_tasks=on_tasks)


@named("Joint network")
def joint(network: nn.Module, *, loss: Loss | None = None) -> Joint:
    """One network for all tasks at once: pretraining where there are no classes to merge.

        min_θ Σ_i L_i(θ) over the query examples of all training tasks

    Args:
        network: any module.
        loss: None: cross-entropy for classes that mean the same in every task, squared error otherwise.

    Source: Finn, Abbeel and Levine 2017, section 5.1 (the pretrained baseline).

    >>> from innerloop.networks import mlp
    >>> joint(mlp(1, 1)).name
    'Joint network'
    """
    return Joint(network, loss=loss)


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
    return _cosine_head(network, inner_steps, inner_lr, scale).eval()


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


def _cosine_head(network: Backbone, steps: int, rate: float, scale: float) -> GradientLearner:
    """Fits a cosine head on the features of `network`, which are shared and not copied."""
    head = CosineHead(network.width, 1, scale).requires_grad_(False)  # a place to put each task's own head into
    learner = GradientLearner(
        Backbone(network.features, head, network.width),
        which="head",
        start="prototypes",
        optimiser=Adam(rate),
        outer_gradient=FirstOrder(),
        steps=steps,
        norm="running",
    )
    learner.family = "transfer"
    return learner
