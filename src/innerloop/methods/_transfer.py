"""What one would do without meta-learning, by name: the rivals of every table."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.gradient import Adam, FirstOrder, GradientLearner, HeadFirst
from innerloop.losses import Loss
from innerloop.methods._named import named, spec_of
from innerloop.metric import Prototypes, Ridge
from innerloop.networks import Backbone, CosineHead
from innerloop.networks._norm import Policy
from innerloop.transfer import (
    Joint,
    LinearProbe,
    Pretraining,
    SimpleShot,
    with_cosine_head,
    with_new_head,
    without_head,
)


def pretraining(classifier: nn.Module, *, smoothing: float = 0.1) -> Pretraining:
    """Ordinary classification of all training classes, then the nearest mean of the frozen features.

    Args:
        classifier: a network with `features` and `head`, the head with one output per training class.
        smoothing: label smoothing of the classification loss.

    Source: Chen et al. 2019; Wang et al. 2019. Smoothing 0.1: Szegedy et al. 2016, section 7.
    """
    learner = Pretraining(classifier, smoothing=smoothing)
    return named(learner, "pretraining", "Pretrained + nearest mean", spec_of(classifier), {"smoothing": smoothing})


def simple_shot(classifier: nn.Module, *, smoothing: float = 0.1) -> SimpleShot:
    """Ordinary classification of all training classes, then the nearest mean of centred, normalised features.

        z = (f(x) - f̄) / |f(x) - f̄|,   c_k = mean_{y_i = k} z_i,   logits_k = -s |z - c_k|²

    Training keeps a running average of the centre f̄; for a network that is trained already, call
    `simple_shot(network).centre_on(source.train)`.

    Args:
        classifier: a network with `features`, `head` and `width`, the head with one output per training class.
        smoothing: label smoothing of the classification loss, as for `pretraining`.

    Source: Wang et al. 2019 (CL2N).
    """
    learner = SimpleShot(classifier, smoothing=smoothing)
    return named(learner, "simple_shot", "SimpleShot", spec_of(classifier), {"smoothing": smoothing})


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

    Source: Chen et al. 2019, "A closer look at few-shot classification", section 3. Different here: the new head is
    fitted by Adam to the whole support set and starts from the class means, where the paper takes stochastic gradient
    descent with batches of 4 from random weights.
    """
    head = getattr(classifier, "head", None)
    if not isinstance(head, nn.Linear):
        raise ConfigurationError(
            f"baseline_plus_plus needs a classifier with a linear head, to know how many classes there are; got "
            f"{type(classifier).__name__} with head {type(head).__name__}."
        )
    network = with_cosine_head(classifier, head.out_features, scale, copied=False)
    on_tasks = _cosine_head(network, inner_steps, inner_lr, scale)
    learner = Pretraining(network, smoothing=0.0, on_tasks=on_tasks)
    arguments = {"inner_steps": inner_steps, "inner_lr": inner_lr, "scale": scale}
    return named(learner, "baseline_plus_plus", "Baseline++", spec_of(classifier), arguments)


def joint(network: nn.Module, *, loss: Loss | None = None) -> Joint:
    """One network for all tasks at once: pretraining where there are no classes to merge.

    Source: Finn, Abbeel and Levine 2017, section 5.1 (the pretrained baseline).
    """
    return named(Joint(network, loss=loss), "joint", "Joint network", spec_of(network), {})


def linear_head(
    pretrained: nn.Module,
    ways: int | None = None,
    *,
    inner_steps: int = 100,
    inner_lr: float = 0.01,
    loss: Loss | None = None,
) -> GradientLearner:
    """A linear classifier on frozen pretrained features, fitted to the support set by Adam from zero.

    Args:
        pretrained: a network with `features` and `width`, pretrained.
        ways: classes of a task; None: the pretrained head is gone on from, as in regression, where an output means
            the same in every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.

    Source: Chen et al. 2019, section 3 (Baseline).
    """
    network = copy.deepcopy(pretrained) if ways is None else with_new_head(pretrained, ways)
    return _tuned(
        "linear_head", "Pretrained + linear head", network, "head", inner_steps, inner_lr, loss, "running", ways
    )


def linear_probe(pretrained: nn.Module, *, penalty: float = 1.0, normalise: bool = True) -> LinearProbe:
    """Logistic regression on frozen pretrained features, fitted to the support set to convergence.

        min_{W, b}  Σ_i -log softmax(W z_i + b)[y_i] + penalty/2 |W|²,   z_i = f(x_i) / |f(x_i)|

    Unlike `linear_head` there are no steps to choose, and any number of ways goes.

    Args:
        pretrained: a network with `features` and `width`, or any embedding; it is copied.
        penalty: choose it on validation tasks, for instance with `innerloop.evaluation.select`.
        normalise: scale the features of an example to length 1.

    Source: Tian et al. 2020, "Rethinking few-shot image classification", section 3.2.
    """
    network = without_head(pretrained).requires_grad_(False)
    learner = LinearProbe(network, penalty=penalty, normalise=normalise).eval()
    arguments = {"penalty": penalty, "normalise": normalise}
    return named(learner, "linear_probe", "Pretrained + logistic regression", spec_of(network), arguments)


def cosine_head(
    pretrained: nn.Module, *, inner_steps: int = 100, inner_lr: float = 0.01, scale: float = 10.0
) -> GradientLearner:
    """A cosine classifier on frozen pretrained features, fitted to the support set by Adam from the class means.

    Args:
        pretrained: a network with `features` and `width`, pretrained; `baseline_plus_plus` pretrains it for this.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        scale: of the similarities.

    Source: Chen et al. 2019, section 3 (Baseline++); see `baseline_plus_plus` for what is different.
    """
    network = with_cosine_head(pretrained, 1, scale)
    learner = _cosine_head(network, inner_steps, inner_lr, scale).eval()
    arguments = {"inner_steps": inner_steps, "inner_lr": inner_lr, "scale": scale}
    return named(learner, "cosine_head", "Pretrained + cosine head", spec_of(pretrained), arguments)


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

    Args:
        pretrained: a pretrained network; for a new head, one with `features` and `width`.
        ways: classes of a task; None: the pretrained head is gone on from, as in regression, where an output means
            the same in every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        head_steps: so many of the steps at the beginning move the head alone (see `innerloop.gradient.HeadFirst`).
        loss: None: cross-entropy for classes, squared error otherwise.

    Source: head first: Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
    out-of-distribution", section 3.4.
    """
    network = copy.deepcopy(pretrained) if ways is None else with_new_head(pretrained, ways)
    return _tuned(
        "fine_tune", "Pretrained + fine-tuned", network, "all", inner_steps, inner_lr, loss, "running", ways, head_steps
    )


def from_scratch(
    network: nn.Module, *, inner_steps: int = 50, inner_lr: float = 0.001, loss: Loss | None = None
) -> GradientLearner:
    """A network with random weights, trained on the support set alone by Adam.

    Args:
        network: any module; its weights are the random start of every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.
    """
    return _tuned("from_scratch", "From scratch", network, "all", inner_steps, inner_lr, loss, "support")


def nearest_mean(network: nn.Module | None = None) -> Prototypes:
    """The nearest class mean by cosine similarity: on raw inputs, or on the features of a frozen network.

    Args:
        network: an embedding that stays as it is; None: the inputs themselves.
    """
    # a copy: freezing the caller's own network would stop whoever else trains it
    embedding = nn.Flatten() if network is None else copy.deepcopy(network).requires_grad_(False)
    learner = Prototypes(embedding, distance="cosine", norm="running").eval()
    learner.family = "transfer"
    name = "Nearest mean on raw inputs" if network is None else "Nearest mean"
    return named(learner, "nearest_mean", name, {} if network is None else spec_of(network), {})


def raw_ridge(*, penalty: float = 1.0) -> Ridge:
    """Ridge regression on the inputs themselves, solved in every task: no network and no training.

        w = argmin |X w - Y|² + λ |w|²,   X with a column of ones, Y one-hot labels or targets

    Args:
        penalty: λ; choose it on validation tasks.

    Source: Hoerl and Kennard 1970.
    """
    learner = Ridge(nn.Flatten(), strength=penalty).requires_grad_(False).eval()
    learner.family = "transfer"
    return named(learner, "raw_ridge", "Ridge on raw inputs", {}, {"penalty": penalty})


def _tuned(
    method: str, name: str, network: nn.Module, which: str, steps: int, rate: float, loss: Loss | None, norm: Policy,
    ways: int | None = None, head_steps: int = 0,
) -> GradientLearner:  # fmt: skip
    learner = GradientLearner(
        network,
        which=which,
        optimiser=HeadFirst(Adam(rate), head_steps) if head_steps else Adam(rate),
        outer_gradient=FirstOrder(),
        steps=steps,
        loss=loss,
        norm=norm,
    )
    learner.family = "transfer"
    learner.eval()
    arguments: dict[str, Any] = {"inner_steps": steps, "inner_lr": rate} | ({} if ways is None else {"ways": ways})
    arguments |= {"head_steps": head_steps} if head_steps else {}
    return named(learner, method, name, spec_of(network), arguments)


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
