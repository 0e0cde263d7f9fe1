"""Training without tasks, by name: all training classes, or all training tasks, at once."""

from __future__ import annotations

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.gradient import Adam, FirstOrder, GradientLearner
from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.networks import Backbone, CosineHead
from innerloop.transfer import Joint, Pretraining, SimpleShot, with_cosine_head


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
    on_tasks = fitted_cosine_head(network, inner_steps, inner_lr, scale)
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


def fitted_cosine_head(network: Backbone, steps: int, rate: float, scale: float) -> GradientLearner:
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
