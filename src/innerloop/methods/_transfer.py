"""What one would do without meta-learning, by name: the rivals of every table."""

from __future__ import annotations

import copy

from torch import nn

from innerloop.gradient import Adam, FirstOrder, GradientLearner
from innerloop.losses import Loss
from innerloop.methods._named import named, spec_of
from innerloop.metric import Prototypes
from innerloop.networks._norm import Policy
from innerloop.transfer import Constant, Joint, Pretraining, with_new_head


def pretraining(classifier: nn.Module, *, smoothing: float = 0.1) -> Pretraining:
    """Ordinary classification of all training classes, then the nearest mean of the frozen features.

    Args:
        classifier: a network with `features` and `head`, the head with one output per training class.
        smoothing: label smoothing of the classification loss.

    Source: Chen et al. 2019; Wang et al. 2019. Smoothing 0.1: Szegedy et al. 2016, section 7.
    """
    learner = Pretraining(classifier, smoothing=smoothing)
    return named(learner, "pretraining", "Pretrained + nearest mean", spec_of(classifier), {"smoothing": smoothing})


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


def fine_tune(
    pretrained: nn.Module,
    ways: int | None = None,
    *,
    inner_steps: int = 50,
    inner_lr: float = 0.001,
    loss: Loss | None = None,
) -> GradientLearner:
    """All of a pretrained network, with a new head for new classes, fine-tuned on the support set by Adam.

    Args:
        pretrained: a pretrained network; for a new head, one with `features` and `width`.
        ways: classes of a task; None: the pretrained head is gone on from, as in regression, where an output means
            the same in every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.
    """
    network = copy.deepcopy(pretrained) if ways is None else with_new_head(pretrained, ways)
    return _tuned("fine_tune", "Pretrained + fine-tuned", network, "all", inner_steps, inner_lr, loss, "running", ways)


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


def constant() -> Constant:
    """The trivial predictor: class frequencies, or the mean target, of the support set."""
    return named(Constant(), "constant", "Trivial predictor", {}, {})


def _tuned(
    method: str, name: str, network: nn.Module, which: str, steps: int, rate: float, loss: Loss | None, norm: Policy,
    ways: int | None = None,
) -> GradientLearner:  # fmt: skip
    learner = GradientLearner(
        network,
        which=which,
        optimiser=Adam(rate),
        outer_gradient=FirstOrder(),
        steps=steps,
        loss=loss,
        norm=norm,
    )
    learner.family = "transfer"
    learner.eval()
    arguments = {"inner_steps": steps, "inner_lr": rate} | ({} if ways is None else {"ways": ways})
    return named(learner, method, name, spec_of(network), arguments)
